"use strict";
// What all pages share: data, elements made of text, packed numbers.

function reportData() {
  return JSON.parse(document.getElementById("data").textContent);
}

// An element whose children are elements or text; strings never become markup.
function make(tag, attributes, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes || {})) element.setAttribute(name, value);
  element.append(...children);
  return element;
}

function byId(id) {
  return document.getElementById(id);
}

// The reverse of gazesim.report.page.packed: base64, zlib, planes of bytes.
async function unpacked(text, Kind) {
  const bytes = Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate"));
  const planes = new Uint8Array(await new Response(stream).arrayBuffer());
  const width = Kind.BYTES_PER_ELEMENT;
  const count = planes.length / width;
  const joined = new Uint8Array(planes.length);
  for (let plane = 0; plane < width; plane++) {
    for (let at = 0; at < count; at++) joined[at * width + plane] = planes[plane * count + at];
  }
  return new Kind(joined.buffer);
}

function percent(share, digits = 1) {
  return share === null ? "–" : `${(100 * share).toFixed(digits)} %`;
}

function embedFigures(figures) {
  Bokeh.set_log_level("error");
  return Promise.all(figures.map((figure) => Bokeh.embed.embed_item(figure)));
}

function models(name) {
  const found = Bokeh.documents.map((document) => document.get_model_by_name(name));
  return found.filter((model) => model !== null);
}
