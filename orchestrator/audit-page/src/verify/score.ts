// Evidence of a credit node's limit (S1.8): what `quittance credit evidence` prints. Record, score and digest are worked out
// again, from the contract's events up to the evidence's block.
import { u8aConcat } from '@polkadot/util';
import type { App } from '../app';
import { littleEndian } from '../chain/scale';
import { contentId } from '../protocol/bytes';
import { assetKey, type Asset } from '../protocol/settlement';
import type { Credit, Debt } from '../index/credit';
import type { Ref } from '../index/index';
import { broken, sameFigure, sameId, type Check, type Step } from './check';

type Json = Record<string, unknown>;

interface Evidence {
  version: number;
  subject: { genesis: string; contract: string; payer: string; asset: Asset };
  block: { number: number; hash: string; time: number };
  parameters: Json;
  record: Json;
  score: Json;
}

/** Of evidence as it is worked out here. */
const VERSION = 1;
const DAY = 86_400_000n;
const MOST = (1n << 128n) - 1n;

/** The figures of each part, in the order in which they are hashed, with their bytes. */
const PARAMETERS: [name: string, bytes: number][] = [
  ['window_days', 4],
  ['base', 16],
  ['cap', 16],
  ['on_time_percent', 4],
  ['volume_percent', 4],
  ['late_percent', 4],
  ['overdue_percent', 4],
];
const RECORD = ['repaid_on_time', 'repaid_late', 'committed', 'overdue', 'fees_unpaid'] as const;
const SCORE = ['base', 'on_time', 'volume', 'late', 'overdue', 'fees', 'limit'] as const;

type Record_ = Record<(typeof RECORD)[number], bigint>;
type Score = Record<(typeof SCORE)[number], bigint>;

/** The evidence in a file, if it is one. */
export function scoreIn(found: unknown): Json | null {
  const object = found as Json | null;
  if (typeof object !== 'object' || object === null) {
    return null;
  }
  const inner = (object.evidence ?? object) as Json | null;
  return typeof inner === 'object' && inner !== null && ['subject', 'block', 'parameters', 'record', 'score'].every((part) => typeof inner[part] === 'object')
    ? object
    : null;
}

export async function verifyScore(app: App, document: Json): Promise<{ id: string; steps: Step[] }> {
  const evidence = (document.evidence ?? document) as unknown as Evidence;
  const claimed = typeof document.digest === 'string' ? document.digest : '';
  try {
    const digest = digestOf(app, evidence);
    const step = async (title: string, ref: Ref | null, summary: string, make: () => Promise<Check[]>): Promise<Step> => ({
      title,
      ref,
      summary,
      checks: await make().catch((error: unknown) => [broken(title.toLowerCase(), error)]),
    });
    const set = await setBy(app, evidence, digest);
    return {
      id: claimed || digest,
      steps: [
        {
          ...(await step('Evidence', set, 'As it stands in the file.', async () => [
            ...(claimed ? [sameId('digest', digest, claimed)] : []),
            onChain(set, digest),
          ])),
          document: { title: 'Evidence', content: evidence as never },
        },
        await step('Block', null, 'The record is of this block: what came later is not in it.', () => blockChecks(app, evidence)),
        await step('Record', null, 'What the contract’s events up to that block come to.', () => recordChecks(app, evidence)),
        await step('Score', null, 'What follows from the record, by the parameters in the evidence.', async () => scoreChecks(evidence)),
      ],
    };
  } catch (error) {
    return { id: claimed, steps: [{ title: 'Evidence', ref: null, summary: '', checks: [broken('evidence', error)] }] };
  }
}

function digestOf(app: App, { version, subject, block, parameters, record, score }: Evidence): string {
  if (version !== VERSION) {
    throw new Error(`the evidence has version ${version}; this page knows version ${VERSION}`);
  }
  const [own] = app.index.credit.keys();
  if (own === undefined) {
    throw new Error('no credit contract of this chain told anything so far');
  }
  const { types } = app.contract(own);
  const bytes32 = (value: unknown): Uint8Array => types.encode(types.named('AccountId'), value);
  const encoded = u8aConcat(
    Uint8Array.of(version),
    ...[subject.genesis, subject.contract, subject.payer].map(bytes32),
    types.encode(types.named('settlement::Asset'), subject.asset),
    littleEndian(figure(block, 'number'), 4),
    bytes32(block.hash),
    littleEndian(figure(block, 'time'), 8),
    ...PARAMETERS.map(([name, bytes]) => littleEndian(figure(parameters, name), bytes)),
    ...RECORD.map((name) => littleEndian(figure(record, name), 16)),
    ...SCORE.map((name) => littleEndian(figure(score, name), 16)),
  );
  return contentId('quittance/credit-score', encoded);
}

/** Where the contract was told of this limit with this digest. */
async function setBy(app: App, { subject, score }: Evidence, digest: string): Promise<Ref | null> {
  const line = creditOf(app, subject)?.lines.get(`${subject.payer}  ${assetKey(subject.asset)}`);
  for (const ref of line?.events.filter(({ name }) => name === 'NodeLimitSet') ?? []) {
    const { evidence, limit } = (await app.event(ref)).fields;
    if (evidence === digest && limit === figure(score as Json, 'limit')) {
      return ref;
    }
  }
  return null;
}

function onChain(set: Ref | null, digest: string): Check {
  return {
    what: 'on chain',
    outcome: set ? 'verified' : 'absent',
    why: set
      ? `block ${set.block} set this limit for this payer, with this digest`
      : 'no limit of this payer was set with this digest: it was altered, or computed and not set',
    details: [['digest', digest]],
  };
}

async function blockChecks(app: App, { subject, block }: Evidence): Promise<Check[]> {
  if (subject.genesis !== app.config.genesis_hash) {
    return [{ what: 'chain', outcome: 'failed', why: `it is of the chain that began with ${subject.genesis}` }];
  }
  await app.reader.caughtUp();
  if (block.number > app.reader.progress.read) {
    return [{ what: 'block', outcome: 'unknown', why: `block ${block.number} isn’t finalized so far` }];
  }
  const hash = await app.node.hash(block.number);
  return [
    {
      what: 'block',
      outcome: hash === block.hash ? 'verified' : 'failed',
      why: hash === block.hash ? `block ${block.number} has this hash` : `block ${block.number} has another hash`,
      details: [
        ['given', block.hash],
        ['on chain', hash],
      ],
    },
    sameFigure('time', await app.node.time(block.number), figure(block, 'time'), 'the block’s time'),
  ];
}

async function recordChecks(app: App, evidence: Evidence): Promise<Check[]> {
  await app.reader.caughtUp();
  const credit = creditOf(app, evidence.subject);
  if (!credit || evidence.block.number > app.reader.progress.read) {
    return [{ what: 'record', outcome: 'unknown', why: 'the contract told nothing so far, or not up to this block' }];
  }
  const record = await recordOf(app, credit, evidence);
  return RECORD.map((name) => sameFigure(name.replace(/_/g, ' '), record[name], figure(evidence.record, name), 'by the contract’s events'));
}

/** A payer's record up to the block; in the window is what happened at most that long before it, exclusive. */
async function recordOf(app: App, credit: Credit, { subject, block, parameters }: Evidence): Promise<Record_> {
  const record: Record_ = { repaid_on_time: 0n, repaid_late: 0n, committed: 0n, overdue: 0n, fees_unpaid: 0n };
  const until = figure(block, 'time');
  const start = until - figure(parameters, 'window_days') * DAY;
  const counts = (ref: Ref): boolean => start < 0n || BigInt(ref.at) > start;
  const isTheirs = (debt: Debt): boolean => debt.payer === subject.payer && debt.asset === assetKey(subject.asset);
  for (const debt of [...credit.debts.values()].filter(isTheirs)) {
    let [principal, fee, dueAt] = [debt.amount, 0n, null as bigint | null];
    for (const ref of debt.events.filter((one) => one.block <= block.number)) {
      if (!['Committed', 'FellOverdue', 'Repaid'].includes(ref.name)) {
        continue;
      }
      const { fields } = await app.event(ref);
      if (ref.name === 'Committed') {
        dueAt = fields.due_at as bigint;
        record.committed += counts(ref) ? debt.amount : 0n;
      } else if (ref.name === 'FellOverdue') {
        fee = fields.late_fee as bigint;
      } else {
        principal -= fields.principal as bigint;
        fee -= fields.late_fee as bigint;
        const sum = BigInt(ref.at) < (dueAt ?? 0n) ? 'repaid_on_time' : 'repaid_late';
        record[sum] += counts(ref) ? (fields.principal as bigint) : 0n;
      }
    }
    if (dueAt !== null) {
      record.overdue += until >= dueAt ? principal : 0n;
      record.fees_unpaid += fee;
    }
  }
  return record;
}

function scoreChecks({ parameters, record, score }: Evidence): Check[] {
  const of = (name: string): bigint => figure(parameters, name);
  const recorded = (name: (typeof RECORD)[number]): bigint => figure(record, name);
  const part = (amount: bigint, percent: bigint): bigint => least((amount / 100n) * percent + ((amount % 100n) * percent) / 100n, MOST);
  const computed: Score = {
    base: of('base'),
    on_time: part(recorded('repaid_on_time'), of('on_time_percent')),
    volume: part(recorded('committed'), of('volume_percent')),
    late: part(recorded('repaid_late'), of('late_percent')),
    overdue: part(recorded('overdue'), of('overdue_percent')),
    fees: recorded('fees_unpaid'),
    limit: 0n,
  };
  const speaksFor = least(computed.base + computed.on_time + computed.volume, MOST);
  const speaksAgainst = least(computed.late + computed.overdue + computed.fees, MOST);
  computed.limit = speaksFor > speaksAgainst ? least(speaksFor - speaksAgainst, of('cap')) : 0n;
  return SCORE.map((name) => sameFigure(name.replace(/_/g, ' '), computed[name], figure(score, name), 'by the parameters in the evidence'));
}

function creditOf(app: App, { contract }: Evidence['subject']): Credit | null {
  const found = [...app.contracts.values()].find((one) => one.account === contract);
  return (found && app.index.credit.get(found.name)) ?? null;
}

/** A number of a document; in JSON, wide ones are text. */
function figure(from: object, name: string): bigint {
  const value = (from as Json)[name];
  if (!/^\d+$/.test(String(value))) {
    throw new Error(`${name} should be a whole number`);
  }
  return BigInt(String(value));
}

function least(one: bigint, other: bigint): bigint {
  return one < other ? one : other;
}
