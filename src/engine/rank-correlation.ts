/** How far two orders of the same things agree, in n log n: batches compare a hundred thousand. */

/**
 * Kendall's tau-b: 1 if the two order all pairs alike, -1 if they order all of them the other way round; ties count for
 * neither. Source: Kendall, "The treatment of ties in ranking problems", Biometrika 1945; counted by merge sort as in
 * Knight, "A computer method for calculating Kendall's tau with ungrouped data", JASA 1966.
 *
 * @returns null if one of the two has no pair of different values
 */
export function kendallTau(a: readonly number[], b: readonly number[]): number | null {
  const order = a.map((_, i) => i).sort((i, j) => a[i] - a[j] || b[i] - b[j]);
  const pairs = pairsOf(a.length);
  const tiedA = tiedPairs(order, (i, j) => a[i] === a[j]);
  const tiedBoth = tiedPairs(order, (i, j) => a[i] === a[j] && b[i] === b[j]);
  const values = Float64Array.from(order, (i) => b[i]);
  const discordant = sortCounting(values);
  const tiedB = tiedPairs([...values.keys()], (i, j) => values[i] === values[j]);
  const untiedA = pairs - tiedA;
  const untiedB = pairs - tiedB;
  if (untiedA === 0 || untiedB === 0) return null;
  const concordant = pairs - tiedA - tiedB + tiedBoth - discordant;
  return (concordant - discordant) / Math.sqrt(untiedA * untiedB);
}

/**
 * Spearman's rho: the correlation of the ranks, of ties their mean rank. Source: Spearman, "The proof and measurement of
 * association between two things", American Journal of Psychology 1904.
 *
 * @returns null if one of the two has no pair of different values
 */
export function spearmanRho(a: readonly number[], b: readonly number[]): number | null {
  const [ranksA, ranksB] = [meanRanks(a), meanRanks(b)];
  const centre = (a.length + 1) / 2;
  let [products, squaresA, squaresB] = [0, 0, 0];
  for (let i = 0; i < a.length; i++) {
    const [x, y] = [ranksA[i] - centre, ranksB[i] - centre];
    products += x * y;
    squaresA += x * x;
    squaresB += y * y;
  }
  return squaresA > 0 && squaresB > 0 ? products / Math.sqrt(squaresA * squaresB) : null;
}

function pairsOf(count: number): number {
  return (count * (count - 1)) / 2;
}

/** Pairs of neighbours, and neighbours of those, that are alike. */
function tiedPairs(order: readonly number[], alike: (i: number, j: number) => boolean): number {
  let pairs = 0;
  for (let start = 0, end = 0; start < order.length; start = end) {
    while (end < order.length && alike(order[start], order[end])) end += 1;
    pairs += pairsOf(end - start);
  }
  return pairs;
}

/** Sorts in place by merging, and returns how many pairs stood the wrong way round. */
function sortCounting(values: Float64Array): number {
  let inversions = 0;
  const merged = new Float64Array(values.length);
  for (let width = 1; width < values.length; width *= 2) {
    for (let start = 0; start < values.length; start += 2 * width) {
      const middle = Math.min(start + width, values.length);
      const end = Math.min(start + 2 * width, values.length);
      let [left, right] = [start, middle];
      for (let at = start; at < end; at++) {
        if (left < middle && (right >= end || values[left] <= values[right])) merged[at] = values[left++];
        else {
          inversions += middle - left;
          merged[at] = values[right++];
        }
      }
    }
    values.set(merged);
  }
  return inversions;
}

/** Ranks from 1, of equal values the mean of theirs. */
function meanRanks(values: readonly number[]): Float64Array {
  const order = values.map((_, i) => i).sort((i, j) => values[i] - values[j]);
  const ranks = new Float64Array(values.length);
  for (let start = 0, end = 0; start < order.length; start = end) {
    while (end < order.length && values[order[end]] === values[order[start]]) end += 1;
    for (let at = start; at < end; at++) ranks[order[at]] = (start + 1 + end) / 2;
  }
  return ranks;
}
