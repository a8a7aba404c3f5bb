"use strict";
// What a rule for positives gives: the counts of gazesim.torch.PairMask and gazesim.cache.inspection.
// Nothing here touches the page, so any JavaScript engine runs it; Python's tests do.

const TINY = 1.1754943508222875e-38; // an affinity of 0 never makes a positive

// Quantiles of the slider: hundredths, and finer where the useful ones are.
function quantiles() {
  const found = [];
  for (let at = 0; at < 90; at++) found.push(at / 100);
  for (let at = 900; at < 990; at++) found.push(at / 1000);
  for (let at = 9900; at < 10000; at++) found.push(at / 10000);
  return [...found, 1];
}

class Counts {
  // affinities: Float32Array, the upper triangle without diagonal, row by row.
  constructor(data, affinities) {
    this.data = data;
    this.affinities = affinities;
    this.size = data.valid.length;
    this.classes = data.classes.length;
    this.nearestOfBatch = new Map();
    const valid = data.valid.reduce((sum, one) => sum + one, 0);
    this.ascending = Float32Array.from(affinities).sort();
    // Pairs with an invalid image have an affinity of 0, so they come first.
    this.validPairs = this.ascending.subarray(affinities.length - (valid * (valid - 1)) / 2);
    // Pairs whose first image is valid, each direction of its own.
    this.ordered = valid * (this.size - 1);
  }

  affinity(i, j) {
    if (i === j) return this.data.valid[i];
    const [a, b] = i < j ? [i, j] : [j, i];
    return this.affinities[a * this.size - (a * (a + 1)) / 2 + b - a - 1];
  }

  // The affinity at a quantile of valid pairs; 1 where there is none.
  thresholdAt(quantile) {
    const last = this.validPairs.length - 1;
    return last < 0 ? 1 : this.validPairs[Math.ceil(quantile * last)];
  }

  // The threshold of a rule {kind: "threshold" | "quantile" | "top_k", value}; null for top_k.
  thresholdOf(rule) {
    if (rule.kind === "threshold") return rule.value;
    return rule.kind === "quantile" ? this.thresholdAt(rule.value) : null;
  }

  static least(threshold) {
    return Math.max(Math.fround(threshold), TINY);
  }

  // Inspection.share_at and extras_at: over all pairs, whatever the batches.
  shareAt(threshold) {
    const least = Counts.least(threshold);
    let low = 0;
    let high = this.ascending.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.ascending[middle] < least) low = middle + 1;
      else high = middle;
    }
    return (2 * (this.ascending.length - low)) / Math.max(1, this.ordered);
  }

  extrasAt(threshold, batchSize) {
    return (batchSize - 1) * this.shareAt(threshold);
  }

  // The share of equal labels among all pairs that pass; null where no labelled pair does.
  purityAt(threshold) {
    const least = Counts.least(threshold);
    const labels = this.data.labels;
    let both = 0;
    let same = 0;
    for (let i = 0, at = 0; i < this.size; i++) {
      for (let j = i + 1; j < this.size; j++, at++) {
        if (this.affinities[at] >= least && labels[i] >= 0 && labels[j] >= 0) {
          both++;
          if (labels[i] === labels[j]) same++;
        }
      }
    }
    return both ? same / both : null;
  }

  // The images of an epoch in batches; what is left over at the end is dropped, as in training.
  batches(batchSize) {
    const order = this.data.epoch;
    if (batchSize >= order.length) return [[...order].sort((a, b) => a - b)];
    const found = [];
    for (let start = 0; start + batchSize <= order.length; start += batchSize) {
      found.push(order.slice(start, start + batchSize).sort((a, b) => a - b));
    }
    return found;
  }

  // Of every row of a batch the others, most similar first; of equal ones, the first in the cache.
  nearest(batchSize) {
    if (!this.nearestOfBatch.has(batchSize)) {
      const found = this.batches(batchSize).map((batch) =>
        batch.map((i) => {
          const values = batch.map((j) => (i === j ? 0 : this.affinity(i, j)));
          const others = batch.map((_, at) => at).filter((at) => values[at] >= TINY);
          return others.sort((a, b) => values[b] - values[a] || a - b);
        })
      );
      this.nearestOfBatch.set(batchSize, found);
    }
    return this.nearestOfBatch.get(batchSize);
  }

  // Which pairs of a batch are positives, (B × B) row by row, without the diagonal.
  positives(batch, rule, nearest) {
    const size = batch.length;
    const passed = new Uint8Array(size * size);
    if (rule.kind === "top_k") {
      nearest.forEach((others, row) => {
        for (const column of others.slice(0, rule.value)) {
          passed[row * size + column] = passed[column * size + row] = 1;
        }
      });
      return passed;
    }
    const least = Counts.least(this.thresholdOf(rule));
    for (let a = 0; a < size; a++) {
      for (let b = a + 1; b < size; b++) {
        if (this.affinity(batch[a], batch[b]) >= least) passed[a * size + b] = passed[b * size + a] = 1;
      }
    }
    return passed;
  }

  // Totals over the batches of an epoch; rows are those of valid images.
  epoch(rule, batchSize) {
    const { valid, labels } = this.data;
    const total = { batches: 0, rows: 0, positives: 0, without: 0, pairs: 0, both: 0, same: 0 };
    total.byClass = this.data.classes.map(() => ({ rows: 0, positives: 0, without: 0, both: 0, same: 0 }));
    const nearest = rule.kind === "top_k" ? this.nearest(batchSize) : null;
    this.batches(batchSize).forEach((batch, number) => {
      const passed = this.positives(batch, rule, nearest && nearest[number]);
      total.batches++;
      batch.forEach((i, row) => {
        if (!valid[i]) return;
        let count = 0;
        let both = 0;
        let same = 0;
        batch.forEach((j, column) => {
          if (!passed[row * batch.length + column]) return;
          count++;
          if (labels[i] >= 0 && labels[j] >= 0) both++;
          if (labels[i] >= 0 && labels[i] === labels[j]) same++;
        });
        total.rows++;
        total.pairs += batch.length - 1;
        const own = labels[i] < 0 ? [total] : [total, total.byClass[labels[i]]];
        for (const sums of own) {
          sums.positives += count;
          sums.without += count === 0 ? 1 : 0;
          sums.both += both;
          sums.same += same;
        }
        if (labels[i] >= 0) total.byClass[labels[i]].rows++;
      });
    });
    return total;
  }

  // Everything that the page says about a rule; the tests compare it with Python's numbers.
  numbers(rule, batchSize) {
    const threshold = this.thresholdOf(rule);
    const epoch = this.epoch(rule, batchSize);
    return {
      threshold,
      epoch,
      mean: epoch.rows ? epoch.positives / epoch.rows : 0,
      without: epoch.rows ? epoch.without / epoch.rows : 0,
      passing: epoch.pairs ? epoch.positives / epoch.pairs : 0,
      purity: epoch.both ? epoch.same / epoch.both : null,
      expected: threshold === null ? null : this.extrasAt(threshold, batchSize),
      purityOfAll: threshold === null ? null : this.purityAt(threshold),
    };
  }

  // Pairs [i, j, affinity] next to a rule: the least similar that pass, the most similar that do not.
  around(rule, batchSize, count) {
    const above = [];
    const below = [];
    const offer = (list, pair, sign) => {
      if (list.length === count && sign * (pair[2] - list[count - 1][2]) >= 0) return;
      let at = list.length;
      while (at > 0 && sign * (pair[2] - list[at - 1][2]) < 0) at--;
      list.splice(at, 0, pair);
      if (list.length > count) list.pop();
    };
    if (rule.kind === "top_k") {
      const nearest = this.nearest(batchSize);
      this.batches(batchSize).forEach((batch, number) => {
        const passed = this.positives(batch, rule, nearest[number]);
        for (let a = 0; a < batch.length; a++) {
          for (let b = a + 1; b < batch.length; b++) {
            const value = this.affinity(batch[a], batch[b]);
            if (value < TINY) continue;
            if (passed[a * batch.length + b]) offer(above, [batch[a], batch[b], value], 1);
            else offer(below, [batch[a], batch[b], value], -1);
          }
        }
      });
      return { above, below };
    }
    const least = Counts.least(this.thresholdOf(rule));
    for (let i = 0, at = 0; i < this.size; i++) {
      for (let j = i + 1; j < this.size; j++, at++) {
        const value = this.affinities[at];
        if (value >= least) offer(above, [i, j, value], 1);
        else if (value >= TINY) offer(below, [i, j, value], -1);
      }
    }
    return { above, below };
  }

  // What the number of positives means for training, as `gazesim inspect` says it.
  verdict(extras, batchSize) {
    const zones = this.data.zones;
    if (extras > zones.almost_all * (batchSize - 1)) return "almost_all";
    if (extras >= zones.collapse) return "collapse";
    if (extras < zones.almost_none) return "almost_none";
    if (extras < zones.few) return "fewer";
    return extras > zones.many ? "more" : "good";
  }
}
