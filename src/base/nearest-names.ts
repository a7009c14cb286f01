// Which of some names someone may have meant who wrote one that is not among them.

const MOST = 3;

/** The nearest names first: those that contain it or are in it, then those a few letters away. */
export function nearestNames(wanted: string, names: Iterable<string>): string[] {
  const word = wanted.toLowerCase();
  if (word === '') return [];
  return [...names]
    .map((name) => ({ name, distance: distanceOf(word, name.toLowerCase()) }))
    .filter(({ distance }) => Number.isFinite(distance))
    .sort((a, b) => a.distance - b.distance || (a.name < b.name ? -1 : 1))
    .slice(0, MOST)
    .map(({ name }) => name);
}

/** Letters that differ; Infinity where that is more than a third of the word. */
function distanceOf(word: string, name: string): number {
  const isPart = name.includes(word) || (name.length > 2 && word.includes(name));
  if (isPart) return Math.abs(name.length - word.length) / 100;
  const distance = editDistance(word, name);
  return distance <= Math.ceil(word.length / 3) ? distance : Number.POSITIVE_INFINITY;
}

/** Levenshtein's distance. */
function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, i) => i);
  for (const [i, letter] of [...a].entries()) {
    const next = [i + 1];
    for (const [j, other] of [...b].entries()) {
      const [replaced = 0, removed = 0] = row.slice(j, j + 2);
      const added = next.at(-1) ?? 0;
      next.push(Math.min(replaced + (letter === other ? 0 : 1), removed + 1, added + 1));
    }
    row = next;
  }
  return row.at(-1) ?? 0;
}
