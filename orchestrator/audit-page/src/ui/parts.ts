// What several views show in the same way.
import type { App } from '../app';
import type { Fields, Plain } from '../chain/scale';
import type { Ref } from '../index/index';
import { isSignature, worst, type Check, type Outcome, type Step } from '../verify/check';
import { fresh, h } from './dom';
import { account, capital, longId, member, number, time, where, words } from './text';

const OUTCOMES: Record<Outcome, [symbol: string, text: string]> = {
  verified: ['✓', 'verified'],
  failed: ['✕', 'failed'],
  absent: ['–', 'not on chain'],
  unknown: ['?', 'can’t be told'],
  none: ['·', 'unsigned'],
};

export function badge(outcome: Outcome, text = OUTCOMES[outcome][1]): HTMLElement {
  const [symbol] = OUTCOMES[outcome];
  return h('span', { class: `badge ${outcome}` }, h('span', { 'aria-hidden': 'true' }, symbol), ' ', text);
}

export function state(text: string, tone: 'good' | 'bad' | 'open' | 'plain' = 'plain'): HTMLElement {
  return h('span', { class: `state ${tone}` }, text);
}

const GOOD = ['Settled', 'active'];
const BAD = ['Disputed', 'Overdue', 'Expired', 'frozen'];

/** How far something is, by a contract's name for it. */
export function stateOf(name: string): HTMLElement {
  return state(words(name), GOOD.includes(name) ? 'good' : BAD.includes(name) ? 'bad' : 'open');
}

/** The contract asked in its latest finalized state, beside what its events come to. */
export function storage(isSame: boolean, why: string): HTMLElement {
  const check: Check = {
    what: 'storage and events agree',
    outcome: isSame ? 'verified' : 'failed',
    why: isSame ? why : 'the contract tells something else than its events',
  };
  return h('section', {}, h('h2', {}, 'What the contract says now'), checkList([check]));
}

/** What a message that may refuse answered: a list, as the views here ask for lists only. */
export function ok(value: unknown): (Fields | null)[] {
  const inner = value !== null && typeof value === 'object' && 'Ok' in value ? (value as { Ok: unknown }).Ok : value;
  return Array.isArray(inner) ? (inner as (Fields | null)[]) : [];
}

export function facts(rows: [name: string, value: Node | string | null][]): HTMLElement {
  const shown = rows.filter(([, value]) => value !== null);
  const isWide = (value: Node | string | null): boolean => value instanceof Element && (value.matches('.whole, .facts, .list') || value.querySelector('.whole') !== null);
  return h(
    'dl',
    { class: 'facts' },
    ...shown.map(([name, value]) => h('div', { class: isWide(value) ? 'wide' : null }, h('dt', {}, name), h('dd', {}, value))),
  );
}

export function checkList(checks: Check[]): HTMLElement {
  return h(
    'ul',
    { class: 'checks' },
    ...checks.map((check) =>
      h(
        'li',
        { 'data-outcome': check.outcome },
        badge(check.outcome),
        h(
          'div',
          { class: 'what' },
          h('strong', {}, capital(check.what)),
          h('span', { class: 'why' }, check.why),
          check.details
            ? unfold('What was computed', () => facts((check.details ?? []).map(([name, value]) => [name, longId(value)])))
            : null,
        ),
      ),
    ),
  );
}

/** What is made only once somebody wants to see it: a block's events can be many. */
export function unfold(title: string, make: () => Node): HTMLElement {
  const details = h('details', {}, h('summary', {}, title));
  details.addEventListener('toggle', () => {
    if (details.childElementCount === 1) {
      details.append(make());
    }
  });
  return details;
}

/** Steps below what they come to. */
export function verified(app: App, steps: Step[]): HTMLElement[] {
  return [verdict(steps), h('h2', {}, 'Documents and signatures'), timeline(app, steps)];
}

/** How many steps are shown at once, unless one of the others failed. */
const MOST_STEPS = 20;

/** Documents and events in their order, each with what its checks came to. */
export function timeline(app: App, steps: Step[]): HTMLElement {
  const rest = steps.slice(MOST_STEPS);
  if (rest.length === 0 || rest.some((step) => worst(step.checks) === 'failed')) {
    return stepList(app, steps);
  }
  return h('div', {}, stepList(app, steps.slice(0, MOST_STEPS)), unfold(`${number(rest.length)} more, none of them failed`, () => stepList(app, rest)));
}

function stepList(app: App, steps: Step[]): HTMLElement {
  return h(
    'ol',
    { class: 'timeline' },
    ...steps.map((step) => {
      const outcome = worst(step.checks);
      return h(
        'li',
        { class: `step ${outcome}`, 'data-outcome': outcome },
        h(
          'article',
          {},
          h('header', {}, h('h3', {}, step.title), badge(outcome, isInPart(step.checks) ? 'in part' : undefined)),
          step.ref ? h('p', { class: 'when' }, where(step.ref)) : null,
          step.summary ? h('p', {}, capital(step.summary)) : null,
          checkList(step.checks),
          step.document ? unfold(step.document.title, () => plain(app, step.document?.content ?? null)) : null,
        ),
      );
    }),
  );
}

function isInPart(checks: Check[]): boolean {
  return worst(checks) === 'unknown' && checks.some((check) => check.outcome === 'verified');
}

/** How many failed checks are named at the top. */
const MOST_NAMED = 6;

/** How many signatures and documents were right, in a sentence. */
export function verdict(steps: Step[]): HTMLElement {
  const checks = steps.flatMap((step) => step.checks);
  const count = (outcome: Outcome): number => checks.filter((check) => check.outcome === outcome).length;
  const signatures = checks.filter(isSignature);
  const good = signatures.filter((check) => check.outcome === 'verified').length;
  const [right, failed] = [count('verified'), count('failed')];
  const outcome: Outcome =
    failed > 0 ? 'failed' : right === 0 ? 'none' : count('unknown') > 0 || good < signatures.length ? 'unknown' : 'verified';
  const more = [
    count('unknown') ? `, ${count('unknown')} can’t be told` : '',
    count('absent') ? `, ${count('absent')} not on chain` : '',
  ].join('');
  const text =
    failed > 0
      ? `${failed} of ${checks.length} checks failed`
      : right === 0
        ? `Nothing could be verified here${more}`
        : `${[
            signatures.length ? `${good} of ${signatures.length} signatures` : '',
            right > good ? `${right - good} ${signatures.length ? 'other checks' : 'checks'}` : '',
          ]
            .filter(Boolean)
            .join(' and ')} verified${more}`;
  const wrong = steps.flatMap((step) => step.checks.filter((check) => check.outcome === 'failed').map((check) => `${step.title}: ${check.what}`));
  return h(
    'div',
    { class: `verdict ${outcome}`, role: 'status' },
    badge(outcome, outcome === 'unknown' ? 'in part' : outcome === 'none' ? 'not verified' : outcome),
    ' ',
    text,
    wrong.length ? h('ul', {}, ...wrong.slice(0, MOST_NAMED).map((one) => h('li', {}, one))) : null,
    wrong.length > MOST_NAMED ? h('span', { class: 'why' }, `and ${wrong.length - MOST_NAMED} more below`) : null,
  );
}

/** A chain value with its fields named. */
export function plain(app: App, value: Plain, name = ''): HTMLElement {
  if (value === null) {
    return h('span', { class: 'none' }, 'none');
  }
  if (Array.isArray(value)) {
    if (value.length === 0) {
      return h('span', { class: 'none' }, 'none');
    }
    return h('ol', { class: 'list' }, ...value.map((one) => h('li', {}, plain(app, one, name))));
  }
  if (typeof value === 'object') {
    return facts(Object.entries(value).map(([field, inner]) => [words(field), plain(app, inner, field)]));
  }
  if (typeof value === 'bigint' || typeof value === 'number') {
    if (/(_at|_by|^until|^time)$/.test(name) && Number(value) > 1e11) {
      return h('span', {}, time(value), ' ', h('code', { class: 'raw' }, value.toString()));
    }
    if (/^(member|originator|home|debtor|creditor|issuer|claimant|asked_by|debit|credit|client|acquirer)$/.test(name) && typeof value === 'number') {
      return member(value);
    }
    return h('span', {}, /^(member|others|signers)$/.test(name) ? `member ${value}` : number(value));
  }
  if (typeof value === 'string' && /^0x[0-9a-f]{64}$/.test(value)) {
    const isAccount = /^(wallet|account|buyer|seller|arbiter|payer|payee|holder|to|by|key|terminal|contract)$/.test(name);
    return isAccount ? h('span', {}, account(app, value), ' ', longId(value)) : longId(value);
  }
  if (typeof value === 'string' && value.startsWith('0x')) {
    return longId(value);
  }
  return h('span', {}, typeof value === 'string' ? value : String(value));
}

export interface Column<T> {
  name: string;
  cell: (row: T) => Node | string;
  isNumber?: boolean;
}

/** A table that becomes a list of cards where there is no room; the roles say that it is still a table. */
export function table<T>(caption: string, columns: Column<T>[], rows: T[], none = 'There are none.'): HTMLElement {
  if (rows.length === 0) {
    return h('p', { class: 'none' }, none);
  }
  return h(
    'div',
    { class: 'scroll' },
    h(
      'table',
      { role: 'table' },
      h('caption', { class: 'hidden' }, caption),
      h('thead', { role: 'rowgroup' }, h('tr', { role: 'row' }, ...columns.map((column) => h('th', { scope: 'col', role: 'columnheader', class: column.isNumber ? 'number' : null }, column.name)))),
      h(
        'tbody',
        { role: 'rowgroup' },
        ...rows.map((row) =>
          h(
            'tr',
            { role: 'row' },
            ...columns.map((column) =>
              h('td', { role: 'cell', 'data-label': column.name, class: column.isNumber ? 'number' : null }, column.cell(row)),
            ),
          ),
        ),
      ),
    ),
  );
}

/** How many rows a page has; on a phone each is a card. */
function pageSize(): number {
  return window.matchMedia('(max-width: 40rem)').matches ? 20 : 50;
}

/** One page of many rows; only what is shown is made. */
export function paged<T>(query: URLSearchParams, path: string, rows: T[], show: (rows: T[]) => HTMLElement): HTMLElement {
  const size = pageSize();
  const pages = Math.max(1, Math.ceil(rows.length / size));
  const page = Math.min(pages, Math.max(1, Number(query.get('page') ?? 1) || 1));
  const to = (target: number): string => {
    const next = new URLSearchParams(query);
    next.set('page', String(target));
    return `#${path}?${next}`;
  };
  const step = (target: number, text: string): HTMLElement =>
    target < 1 || target > pages
      ? h('span', { class: 'button off', 'aria-disabled': 'true' }, text)
      : h('a', { class: 'button', href: to(target) }, text);
  return h(
    'div',
    {},
    show(rows.slice((page - 1) * size, page * size)),
    pages > 1
      ? h(
          'nav',
          { class: 'pages', 'aria-label': 'Pages' },
          step(page - 1, '← Before'),
          h('span', {}, `Page ${number(page)} of ${number(pages)}, ${number(rows.length)} in all`),
          step(page + 1, 'After →'),
        )
      : null,
  );
}

export function events(refs: Ref[]): HTMLElement {
  return h(
    'ol',
    { class: 'events' },
    ...refs.map((ref) => h('li', {}, h('strong', {}, capital(words(ref.name))), ' ', where(ref))),
  );
}

/** A part of a page that has to be worked out first. */
export function later(title: string, make: () => Promise<Node[]>): HTMLElement {
  const area = h('section', { 'aria-busy': 'true' }, h('p', { class: 'loading' }, title));
  make().then(
    (nodes) => area.replaceChildren(...nodes),
    (error: unknown) =>
      area.replaceChildren(h('p', { class: 'error', role: 'alert' }, error instanceof Error ? error.message : String(error))),
  ).finally(() => area.removeAttribute('aria-busy'));
  return area;
}

export function field(label: string, input: HTMLElement): HTMLElement {
  const name = fresh('field');
  input.id = name;
  return h('div', { class: 'field' }, h('label', { for: name }, label), input);
}
