"use strict";
// Scanpaths over thumbnails, as SVG, with play. Durations are those of the fixations.

const SPAN = 10000; // coordinates are in this share of the canvas
const SVG = "http://www.w3.org/2000/svg";

class Scanpaths {
  constructor(data, x, y, milliseconds) {
    this.data = data;
    this.columns = [x, y, milliseconds];
    this.starts = [0];
    for (const count of data.gazes.counts) this.starts.push(this.starts[this.starts.length - 1] + count);
  }

  static async from(data) {
    const { x, y, ms } = data.gazes;
    const kinds = [Int16Array, Int16Array, Uint16Array];
    return new Scanpaths(data, ...(await Promise.all([x, y, ms].map((text, at) => unpacked(text, kinds[at])))));
  }

  of(image) {
    const found = [];
    const [width, height] = this.data.gazes.size_wh;
    for (let at = this.starts[image]; at < this.starts[image + 1]; at++) {
      const [x, y, ms] = this.columns.map((column) => column[at]);
      found.push({ x: (x / SPAN) * width, y: (y / SPAN) * height, ms });
    }
    return found;
  }

  label(image) {
    const code = this.data.labels[image];
    return code < 0 ? null : this.data.classes[code];
  }

  // A figure of an image with its scanpath; figure.play() shows it fixation by fixation.
  figure(image, ...notes) {
    const path = this.of(image);
    const name = this.data.names[image];
    const [width, height] = this.data.gazes.size_wh;
    const svg = node("svg", { viewBox: `0 0 ${width} ${height}`, role: "img" });
    const words = path.length
      ? `${path.length} fixations, ${(path.reduce((sum, one) => sum + one.ms, 0) / 1000).toFixed(1)} s`
      : "no gaze at hand";
    svg.setAttribute("aria-label", `${name}: ${words}`);
    if (this.data.thumbnails[image]) {
      const box = { x: 0, y: 0, width, height, preserveAspectRatio: "none", href: this.data.thumbnails[image] };
      svg.append(node("image", box));
    }
    const unit = Math.sqrt(width * height) / 100;
    const line = node("polyline", {
      points: path.map((one) => `${one.x},${one.y}`).join(" "),
      fill: "none", stroke: "#ffb347", "stroke-width": 0.8 * unit, "stroke-opacity": 0.85, "stroke-linejoin": "round",
    });
    svg.append(line);
    const most = Math.max(1, ...path.map((one) => one.ms));
    const dots = path.map((one, at) => {
      const share = path.length > 1 ? at / (path.length - 1) : 0;
      return node("circle", {
        cx: one.x, cy: one.y, r: unit * (1.3 + 2.7 * Math.sqrt(one.ms / most)),
        fill: `hsl(${45 - 33 * share} 95% ${68 - 20 * share}%)`, "fill-opacity": 0.82, stroke: "#3a2208",
        "stroke-width": 0.35 * unit,
      });
    });
    svg.append(...dots);
    const lines = [this.label(image), words, ...notes].filter(Boolean);
    const caption = make("figcaption", {}, name, ...lines.map((text) => make("span", {}, text)));
    const figure = make("figure", { class: "gaze" }, svg, caption);
    figure.play = () => play(path, dots, line);
    figure.hasGaze = path.length > 0;
    return figure;
  }

  // Two images side by side with their affinity.
  pair(i, j, value) {
    const figures = [this.figure(i), this.figure(j)];
    const labels = [this.label(i), this.label(j)];
    const head = make("div", { class: "pair-head" }, make("strong", {}, value.toFixed(5)));
    if (labels[0] !== null && labels[1] !== null) {
      const same = labels[0] === labels[1];
      head.append(make("span", { class: same ? "same" : "differ" }, same ? "same label" : "other label"));
    }
    const names = `${this.data.names[i]} and ${this.data.names[j]}`;
    if (figures.some((figure) => figure.hasGaze)) head.append(playButton(figures, names));
    return make("div", { class: "pair", role: "group", "aria-label": `${names}, affinity ${value.toFixed(5)}` },
      head, make("div", { class: "pair-images" }, ...figures));
  }
}

function node(tag, attributes) {
  const element = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  return element;
}

function playButton(figures, names) {
  const button = make("button", { type: "button", "aria-label": `Play the scanpaths of ${names}` }, "▶ Play");
  button.addEventListener("click", () => figures.forEach((figure) => figure.play()));
  return button;
}

// Show fixations when they began; whatever takes longer than 12 seconds is sped up to that.
function play(path, dots, line) {
  const total = path.reduce((sum, one) => sum + one.ms, 0);
  const speed = Math.max(1, total / 12000);
  const starts = [];
  path.reduce((time, one) => (starts.push(time), time + one.ms), 0);
  const begin = performance.now();
  const run = Symbol("run");
  line.run = run;
  const step = (now) => {
    if (line.run !== run) return;
    const time = Math.max(0, now - begin) * speed;
    const seen = starts.filter((start) => start <= time).length;
    dots.forEach((dot, at) => dot.setAttribute("visibility", at < seen ? "visible" : "hidden"));
    line.setAttribute("points", path.slice(0, seen).map((one) => `${one.x},${one.y}`).join(" "));
    if (time < total) requestAnimationFrame(step);
  };
  requestAnimationFrame(step);
}
