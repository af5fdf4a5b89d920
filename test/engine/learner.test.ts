/** What a training may try: every learner with good settings, and drawn ones besides. */
import { candidatesOf, LEARNERS } from '../../src/engine/learner';
import { createRandom } from '../../src/engine/random';

test('a learner has one candidate, auto one of every learner', () => {
  for (const learner of LEARNERS) {
    if (learner === 'auto') continue;
    expect(candidatesOf(learner, 0, createRandom(1)).map((candidate) => candidate.learner)).toEqual([learner]);
  }
  const all = candidatesOf('auto', 0, createRandom(1)).map((candidate) => candidate.learner);
  expect(all).toEqual(LEARNERS.filter((learner) => learner !== 'auto'));
});

test('a search adds as many drawn settings for each learner that has any, behind the default ones', () => {
  const defaults = candidatesOf('auto', 0, createRandom(1));
  const searched = candidatesOf('auto', 3, createRandom(1));
  expect(searched.slice(0, defaults.length)).toEqual(defaults);
  const drawn = searched.slice(defaults.length).map(({ learner }) => learner);
  for (const { learner } of defaults) {
    expect(drawn.filter((name) => name === learner).length).toBe(learner === 'lasso' ? 0 : 3);
  }
  expect(candidatesOf('lasso', 9, createRandom(1)).length).toBe(1);
});

test('the seed decides what is drawn', () => {
  const draw = (seed: number) => candidatesOf('boosting', 5, createRandom(seed));
  expect(draw(1)).toEqual(draw(1));
  expect(draw(1)).not.toEqual(draw(2));
  const settings = draw(1)
    .slice(1)
    .map((candidate) => JSON.stringify(candidate));
  expect(new Set(settings).size).toBeGreaterThan(1);
});
