// Events as steps of a timeline, each with the checks that there are for it.
import type { App } from '../app';
import type { Fields } from '../chain/scale';
import type { Ref } from '../index/index';
import { broken, type Check, type Step } from './check';
import { summary } from './summaries';

export type Checker = (fields: Fields) => Promise<Check[]>;

/** Each event as a step, with the checks that there are for events of its name. */
export async function eventSteps(app: App, refs: Ref[], checkers: (ref: Ref) => Checker | undefined): Promise<Step[]> {
  return Promise.all(
    refs.map(async (ref): Promise<Step> => {
      const title = titleOf(ref.name);
      try {
        const { fields } = await app.event(ref);
        const check = checkers(ref);
        const checks = check
          ? await check(fields)
          : [{ what: 'event', outcome: 'none' as const, why: 'the contract’s own, in a finalized block; it carries no signature' }];
        return { title, ref, summary: summary(ref.name, fields), checks, document: { title: 'Event', content: fields } };
      } catch (error) {
        return { title, ref, summary: '', checks: [broken(title.toLowerCase(), error)] };
      }
    }),
  );
}

/** `DayClosed` as `Day closed`. */
function titleOf(name: string): string {
  const words = name.replace(/([a-z])([A-Z])/g, '$1 $2').toLowerCase();
  return words.charAt(0).toUpperCase() + words.slice(1);
}
