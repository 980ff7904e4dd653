// Institutions, and who had which key when.
import type { App } from '../../app';
import type { Fields } from '../../chain/scale';
import { institutionId, isLei, roleNames, type Change, type Institution } from '../../index/registry';
import type { Ref } from '../../index/index';
import { assetKey, type Asset } from '../../protocol/settlement';
import type { Step } from '../../verify/check';
import { verifyDecision } from '../../verify/decisions';
import { verifyChange } from '../../verify/governance';
import { guarded } from '../../verify/payment';
import { h } from '../dom';
import { address, asset, capital, link, longId, number, words } from '../text';
import { checkList, facts, later, state, table, timeline } from '../parts';
import { paymentTable } from './settlement';

export function institutions(app: App): Node[] {
  const rows = [...app.index.institutions.now.values()].sort((a, b) => a.member - b.member);
  const { epoch } = app.index.institutions;
  const governors = app.index.institutions.governorsIn(epoch);
  return [
    h('h1', { tabindex: -1 }, 'Institutions'),
    h('p', {}, `The registry is in epoch ${epoch}: that many changes were signed by its governors. It takes ${governors.threshold} of ${governors.keys.length} governors for a change, and ${app.index.institutions.notaryThresholdIn(epoch)} notary signatures for a retention.`),
    table<Institution>(
      'Institutions',
      [
        { name: 'Institution', cell: (row) => link(`/institution/${row.member}`, `Member ${row.member}`) },
        { name: 'LEI', cell: (row) => h('code', {}, row.lei) },
        { name: 'Roles', cell: (row) => roleNames(row.roles) },
        { name: 'Status', cell: (row) => state(row.status.toLowerCase(), row.status === 'Active' ? 'good' : 'bad') },
        { name: 'Payments', isNumber: true, cell: (row) => number(app.index.payments.rows.reduce((sum, one) => sum + (one.parties.includes(row.member) ? 1 : 0), 0)) },
      ],
      rows,
      'None so far.',
    ),
  ];
}

export function institution(app: App, wanted: number): Node[] {
  const found = app.index.institutions.now.get(wanted);
  const heading = h('h1', { tabindex: -1 }, `Member ${wanted}`);
  if (!found) {
    return [heading, h('p', {}, 'The registry has no such institution so far.')];
  }
  const changes = app.index.institutions.changes.filter((change) => change.member === wanted);
  const { payments } = app.index;
  const theirs = payments.rows.filter((row) => row.parties.includes(wanted));
  const caps = [...payments.caps.values()].filter((cap) => cap.member === wanted);
  const assets = [...new Set(['Native', ...theirs.map((row) => row.asset)])];
  return [
    heading,
    facts([
      ['LEI', h('code', {}, found.lei)],
      ['Status', state(found.status.toLowerCase(), found.status === 'Active' ? 'good' : 'bad')],
      ['Roles', roleNames(found.roles)],
      ['Account', h('code', { class: 'id whole' }, address(found.account))],
      ['Signing key', longId(found.signingKey)],
      ['Certificate, sha256', longId(found.certificate)],
      ['Institution id', longId(found.id)],
    ]),
    later('Asking the contracts…', async () => {
      const [stored, ...balances] = await Promise.all([
        app.ask(app.contract('registry'), 'institution', [wanted]) as Promise<Fields | null>,
        ...assets.map((key) =>
          app.ask(app.contract('clearing'), 'balance', [wanted, key === 'Native' ? key : { Psp22: key }]),
        ),
      ]);
      const same =
        stored !== null &&
        stored.id === institutionId(found.lei) &&
        stored.signing_key === found.signingKey &&
        stored.account === found.account &&
        stored.status === found.status &&
        stored.roles === found.roles;
      return [
        checkList([
          { what: 'LEI', outcome: isLei(found.lei) ? 'verified' : 'failed', why: isLei(found.lei) ? 'its check digits are right' : 'its check digits are wrong' },
          {
            what: 'storage and events agree',
            outcome: same ? 'verified' : 'failed',
            why: same ? 'id, account, key, roles and status are what the registry’s events come to' : 'the registry tells something else than its events',
          },
        ]),
        h('h2', {}, 'Settlement balance'),
        table(
          'Settlement balance',
          [
            { name: 'Asset', cell: ([key]) => asset(key) },
            ...['available', 'reserved', 'owed', 'cap', 'unsettled'].map((name) => ({
              name: capital(name === 'cap' ? 'net debit cap' : name),
              isNumber: true,
              cell: ([, balance]: [string, Fields]) => number(balance[name] as bigint),
            })),
          ],
          assets.map((key, index): [string, Fields] => [key, balances[index] as Fields]),
        ),
      ];
    }),
    ...(caps.length
      ? [
          h('h2', {}, 'Net debit caps, set by the notaries'),
          later('Verifying…', async () => [timeline(app, await capSteps(app, caps))]),
        ]
      : []),
    h('h2', {}, 'Changes, signed by the governors'),
    later('Verifying…', async () => [timeline(app, await changeSteps(app, changes))]),
    h('h2', {}, 'Latest payments'),
    paymentTable(app, theirs.slice(-10).reverse()),
    theirs.length > 10 ? link(`/payments?member=${wanted}`, `All ${number(theirs.length)} payments`) : h('span', {}),
  ];
}

type Cap = { member: number; asset: string; cap: bigint; ref: Ref };

/** The latest cap in each asset, with the notaries' signatures. */
async function capSteps(app: App, caps: Cap[]): Promise<Step[]> {
  const step = async ({ member, asset: key, cap, ref }: Cap): Promise<Step> => ({
    title: `${number(cap)} ${asset(key)}`,
    ref,
    summary: '',
    checks: await verifyDecision(app, ref, 'set_cap', (args) => args.member === member && assetKey(args.asset as Asset) === key && args.cap === cap),
  });
  return Promise.all(caps.map((cap) => guarded('Net debit cap', cap.ref, () => step(cap))));
}

/** What the governors changed, with their signatures. */
async function changeSteps(app: App, changes: Change[]): Promise<Step[]> {
  return Promise.all(
    changes.map(async (change): Promise<Step> => {
      const kind = Object.keys(change.change)[0] ?? '';
      return {
        title: `${capital(words(kind))}, epoch ${change.epoch}`,
        ref: { ...change, contract: 'registry', name: 'Changed' },
        summary: '',
        checks: await verifyChange(app, change),
        document: { title: 'What changed', content: change.change },
      };
    }),
  );
}
