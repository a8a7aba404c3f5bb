"use strict";
// The living report of a cache: controls, numbers, pairs, matrix, readers.

const SHOWN_PAIRS = 3;
const NEIGHBOURS = 11;

const VERDICTS = {
  almost_all: "Almost all pairs pass: such positives say nothing, and representations collapse.",
  collapse: "Collapse zone: in trainings on phantoms, 28 and more extra positives per row let representations collapse.",
  more: "More than the 2 to 8 extra positives per row that helped in trainings on phantoms.",
  good: "2 to 8 extra positives per row helped in trainings on phantoms.",
  fewer: "Fewer than the 2 extra positives per row from which on gaze helped in trainings on phantoms.",
  almost_none: "Almost no pair passes: training is nearly the same as without gaze.",
};

class InspectionPage {
  constructor(data, counts, scanpaths) {
    this.data = data;
    this.counts = counts;
    this.scanpaths = scanpaths;
    this.quantiles = quantiles();
    this.baseCurve = models("extras").map((source) => Array.from(source.data.y));
    this.pending = null;
  }

  start() {
    this.texts();
    this.controls();
    this.matrix();
    this.readers();
    this.neighbours();
    this.update();
  }

  texts() {
    const { data } = this;
    byId("title").textContent = data.title;
    byId("summary").textContent = data.summary;
    for (const [name, value] of data.facts) {
      byId("facts").append(make("div", {}, make("dt", {}, name), make("dd", {}, value)));
    }
    const named = data.invalid.length;
    byId("invalid-lead").textContent = data.invalid_count
      ? `The scheme is not defined on ${data.invalid_count} gazes, such as those with too few fixations; they are ` +
        `never positives of another image.${named < data.invalid_count ? ` The first ${named}:` : ""}`
      : "None: the scheme is defined on every gaze.";
    byId("invalid-names").append(...data.invalid.map((name) => make("li", {}, name)));
    byId("chance").textContent = data.has_labels ? `(${percent(data.chance)} by chance)` : "";
    byId("purity-tile").hidden = byId("by-label").hidden = !data.has_labels;
  }

  controls() {
    const { data } = this;
    const slider = byId("threshold");
    slider.min = data.lowest;
    const first = data.proposal === null ? data.published : data.proposal;
    this.threshold = first;
    byId("quantile").max = this.quantiles.length - 1;
    byId("quantile").value = Math.max(0, this.quantiles.findIndex((one) => one >= 0.97));
    byId("top_k").max = data.most_neighbors;
    byId("top_k").value = Math.min(4, data.most_neighbors);
    for (const size of data.batch_sizes) {
      const words = size === data.valid.length ? `${size} (all at once)` : String(size);
      byId("batch-size").append(make("option", { value: size }, words));
    }
    byId("batch-size").value = data.batch_size;
    slider.addEventListener("input", () => this.choose("threshold", Number(slider.value)));
    byId("threshold-number").addEventListener("input", (event) => {
      const value = event.target.valueAsNumber;
      if (value > 0 && value <= 1) this.choose("threshold", value, true);
    });
    for (const kind of ["quantile", "top_k"]) byId(kind).addEventListener("input", () => this.choose(kind));
    for (const radio of document.querySelectorAll("input[name=kind]")) {
      radio.addEventListener("change", () => this.update());
    }
    byId("batch-size").addEventListener("change", () => this.update());
    byId("to-proposal").hidden = data.proposal === null;
    byId("to-proposal").addEventListener("click", () => this.choose("threshold", data.proposal));
    byId("to-published").addEventListener("click", () => this.choose("threshold", data.published));
    byId("controls").addEventListener("submit", (event) => event.preventDefault());
  }

  choose(kind, threshold, typed = false) {
    byId(`kind-${kind}`).checked = true;
    if (threshold !== undefined) this.threshold = threshold;
    this.update(typed);
  }

  rule() {
    const kind = document.querySelector("input[name=kind]:checked").value;
    if (kind === "threshold") return { kind, value: this.threshold };
    if (kind === "quantile") return { kind, value: this.quantiles[Number(byId("quantile").value)] };
    return { kind, value: Number(byId("top_k").value) };
  }

  update(typed = false) {
    const rule = this.rule();
    const batchSize = Number(byId("batch-size").value);
    const found = this.counts.numbers(rule, batchSize);
    this.shown = { rule, batchSize, ...found };
    byId("threshold").value = this.threshold;
    if (!typed) byId("threshold-number").value = Number(this.threshold.toFixed(6));
    const chosen = this.quantiles[Number(byId("quantile").value)];
    byId("quantile-value").textContent = `${chosen} → ${this.counts.thresholdAt(chosen).toFixed(4)}`;
    byId("quantile").setAttribute("aria-valuetext", String(chosen));
    byId("top_k-value").textContent = byId("top_k").value;
    byId("mean").textContent = found.mean.toFixed(2);
    byId("without").textContent = percent(found.without);
    byId("passing").textContent = percent(found.passing, 2);
    byId("purity").textContent = percent(found.purity);
    const name = rule.kind === "threshold" ? Number(rule.value.toFixed(6)) : rule.value;
    byId("call").textContent = `PairMask(cache, ${rule.kind}=${name})`;
    this.tellVerdict(found, batchSize);
    this.tellBasis(found, batchSize);
    this.tellLabels(found.epoch);
    this.moveMarks(found.threshold, batchSize);
    clearTimeout(this.pending);
    this.pending = setTimeout(() => this.settle(rule, batchSize, found), 120);
  }

  tellVerdict(found, batchSize) {
    const verdict = this.counts.verdict(found.mean, batchSize);
    byId("verdict").className = `verdict ${verdict}`;
    byId("verdict").textContent = VERDICTS[verdict];
  }

  tellBasis(found, batchSize) {
    const { epoch } = found;
    const several = `${epoch.batches} batches of ${batchSize}`;
    let words = `Counted in ${epoch.batches === 1 ? `one batch of ${batchSize}` : several}: ${epoch.rows} rows of ` +
      "valid gaze, an image's pair with itself left out.";
    if (found.expected !== null) {
      words += ` Over all pairs, whatever the batches: ${found.expected.toFixed(2)} per row`;
      if (this.data.has_labels && found.purityOfAll !== null) words += `, ${percent(found.purityOfAll)} share a label`;
      words += ".";
    }
    if (this.data.is_sparse) words += " Pairs that the cache dropped never pass.";
    if (this.data.asked_batch_size > this.data.valid.length) {
      words += ` Batches of ${this.data.asked_batch_size} were asked for; there are fewer images.`;
    }
    byId("basis").textContent = words;
  }

  tellLabels(epoch) {
    const rows = epoch.byClass.map((one, at) => {
      const purity = one.both ? one.same / one.both : null;
      const bar = make("span", { class: "bar", "aria-hidden": "true" }, make("i", {}));
      bar.firstChild.style.width = `${100 * (purity || 0)}%`;
      return make("tr", {}, make("th", { scope: "row" }, this.data.classes[at]), make("td", {}, String(one.rows)),
        make("td", {}, one.rows ? (one.positives / one.rows).toFixed(2) : "–"),
        make("td", {}, one.rows ? percent(one.without / one.rows) : "–"), make("td", {}, bar, percent(purity)));
    });
    byId("label-rows").replaceChildren(...rows);
  }

  moveMarks(threshold, batchSize) {
    for (const mark of models("mark")) {
      mark.visible = threshold !== null;
      if (threshold !== null) mark.location = threshold;
    }
    const scale = (batchSize - 1) / (this.data.asked_batch_size - 1);
    if (scale === this.scale) return;
    this.scale = scale;
    models("extras").forEach((source, at) => {
      source.data = { x: source.data.x, y: this.baseCurve[at].map((one) => one * scale) };
    });
  }

  // What costs time, and what is spoken, waits until the slider rests.
  settle(rule, batchSize, found) {
    byId("spoken").textContent = `${rule.kind} ${rule.value}: ${found.mean.toFixed(2)} extra positives per row, ` +
      `${percent(found.without)} of rows have none. ${byId("verdict").textContent}`;
    const { above, below } = this.counts.around(rule, batchSize, SHOWN_PAIRS);
    this.fill("above", above, "No pair passes.");
    this.fill("below", below, "Every pair that the cache holds passes.");
  }

  fill(id, pairs, otherwise) {
    const cards = pairs.map((pair) => this.scanpaths.pair(...pair));
    byId(id).replaceChildren(...(cards.length ? cards : [make("p", { class: "note" }, otherwise)]));
  }

  neighbours() {
    const { data } = this;
    byId("image").append(...data.order.map((at) => make("option", { value: at }, data.names[at])));
    byId("image").addEventListener("change", (event) => this.showNeighbours(Number(event.target.value)));
    this.showNeighbours(data.order[0]);
  }

  showNeighbours(image) {
    const others = this.data.names.map((_, at) => [at, at === image ? 0 : this.counts.affinity(image, at)]);
    const chosen = others.filter(([, value]) => value >= TINY).sort((a, b) => b[1] - a[1] || a[0] - b[0]);
    const figures = [this.scanpaths.figure(image, "the chosen image")];
    for (const [at, value] of chosen.slice(0, NEIGHBOURS)) {
      figures.push(this.scanpaths.figure(at, `affinity ${value.toFixed(5)}`));
    }
    byId("image").value = image;
    byId("neighbours").replaceChildren(...figures.map((figure) => {
      const card = make("div", { class: "pair" }, figure);
      const name = figure.querySelector("figcaption").firstChild.textContent;
      if (figure.hasGaze) figure.append(playButton([figure], name));
      return card;
    }));
  }

  // The matrix is drawn when it comes near the window, so that the page opens at once.
  matrix() {
    const watch = new IntersectionObserver((entries) => {
      if (!entries.some((entry) => entry.isIntersecting)) return;
      watch.disconnect();
      this.drawMatrix();
    }, { rootMargin: "600px" });
    watch.observe(byId("matrix"));
  }

  async drawMatrix() {
    const { order, colours, valid, figures } = this.data;
    await embedFigures([figures.matrix]);
    const size = order.length;
    const bytes = new Uint8Array(size * size);
    const scale = 255 / (colours[1] - colours[0]);
    const shade = (value) => Math.min(255, Math.max(0, Math.round((value - colours[0]) * scale)));
    const rank = new Int32Array(size);
    order.forEach((i, row) => (rank[i] = row));
    for (let i = 0, at = 0; i < size; i++) {
      bytes[rank[i] * size + rank[i]] = shade(valid[i]);
      for (let j = i + 1; j < size; j++, at++) {
        bytes[rank[i] * size + rank[j]] = bytes[rank[j] * size + rank[i]] = shade(this.counts.affinities[at]);
      }
    }
    const [source] = models("matrix source");
    const Image = source.data.image[0].constructor;
    source.data = { image: [new Image(bytes, [size, size])] };
    const [plot] = models("matrix");
    for (const kind of ["mousemove", "tap"]) plot.on_event(kind, (event) => this.point(event.x, event.y));
    byId("matrix").addEventListener("keydown", (event) => {
      if (this.press(plot, event.key)) event.preventDefault();
    });
    byId("matrix").dataset.drawn = "yes";
  }

  // Keys on the matrix; returns whether the key is one of them.
  press(plot, key) {
    const size = this.data.order.length;
    const moves = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
    const zooms = { "+": 0.5, "=": 0.5, "-": 2, 0: Infinity };
    if (!(key in moves) && !(key in zooms)) return false;
    const [x, y] = this.cell === undefined ? [size >> 1, size >> 1] : [this.cell % size, Math.floor(this.cell / size)];
    const [right, down] = moves[key] || [0, 0];
    const [column, row] = [x + right, y + down].map((one) => Math.min(size - 1, Math.max(0, one)));
    this.point(column + 0.5, row + 0.5);
    const span = Math.min(size, Math.max(4, (plot.x_range.end - plot.x_range.start) * (zooms[key] || 1)));
    const start = (at, from) => {
      const inside = key in moves && at >= from && at + 1 <= from + span;
      return Math.min(size - span, Math.max(0, inside ? from : at + 0.5 - span / 2));
    };
    const [left, top] = [start(column, plot.x_range.start), start(row, plot.y_range.end)];
    plot.x_range.setv({ start: left, end: left + span });
    plot.y_range.setv({ start: top + span, end: top });
    return true;
  }

  point(x, y) {
    const { order, names } = this.data;
    const [column, row] = [Math.floor(x), Math.floor(y)];
    if (!(column >= 0 && row >= 0 && column < order.length && row < order.length)) return;
    const key = row * order.length + column;
    if (key === this.cell) return;
    this.cell = key;
    const [i, j] = [order[row], order[column]];
    const value = this.counts.affinity(i, j);
    byId("cell-words").textContent = i === j ? `${names[i]} with itself` : `${names[i]} and ${names[j]}: ${value.toFixed(5)}`;
    if (i === j) byId("cell").replaceChildren(this.scanpaths.figure(i));
    else byId("cell").replaceChildren(this.scanpaths.pair(i, j, value));
  }

  readers() {
    const found = this.data.readers;
    byId("readers").hidden = byId("to-readers").hidden = found === null;
    if (found === null) return;
    byId("readers-lead").textContent = "Mean affinity of a reader's gaze with that of the others on the same image, " +
      `beside gaze on another image, of ${found.images} images that several people read. A difference near 0 says ` +
      "that the measure does not see what was on the image." +
      (this.data.is_sparse ? " Pairs that the cache dropped count as 0." : "");
    const text = (value) => (value === null ? "–" : value.toFixed(3));
    byId("reader-rows").append(...found.names.map((name, at) => {
      const [own, other] = [found.with_others[at], found.on_other_images[at]];
      const cells = [found.gazes[at], found.invalid[at], text(own), text(other),
        own === null || other === null ? "–" : `${own - other >= 0 ? "+" : "−"}${Math.abs(own - other).toFixed(3)}`];
      return make("tr", {}, make("th", { scope: "row" }, name), ...cells.map((cell) => make("td", {}, String(cell))));
    }));
    byId("reader-pairs").hidden = found.names.length > 30;
    if (found.names.length > 30) return;
    const known = found.same_image.flat().filter((value) => value !== null);
    const [low, high] = [Math.min(...known), Math.max(...known)];
    const head = make("tr", {}, make("td", {}), ...found.names.map((name) => make("th", { scope: "col" }, name)));
    const rows = found.names.map((name, i) => make("tr", {}, make("th", { scope: "row" }, name),
      ...found.same_image[i].map((value, j) => {
        const cell = make("td", {}, i === j ? "" : text(value));
        if (value !== null && i !== j) {
          const share = high > low ? (value - low) / (high - low) : 0.5;
          cell.style.background = `rgba(47, 102, 144, ${0.08 + 0.42 * share})`;
        }
        return cell;
      })));
    byId("reader-matrix").append(make("thead", {}, head), make("tbody", {}, ...rows));
  }
}

async function startInspection() {
  const data = reportData();
  const [affinities] = await Promise.all([
    unpacked(data.affinities, Float32Array),
    embedFigures([data.figures.curve, data.figures.histogram]),
  ]);
  const page = new InspectionPage(data, new Counts(data, affinities), await Scanpaths.from(data));
  window.gazesimReport = page;
  page.start();
  document.documentElement.dataset.ready = "yes";
}

startInspection();
