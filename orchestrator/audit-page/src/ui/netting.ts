// A window as a picture: who owes whom before netting, and what is left of it.
import type { Flow } from '../index/clearing';
import { h, svg } from './dom';
import { number } from './text';

export interface Net {
  member: number;
  owed: bigint;
  owes: bigint;
}

export function nets(flows: Flow[]): Net[] {
  const found = new Map<number, Net>();
  const of = (member: number): Net => {
    const known = found.get(member) ?? { member, owed: 0n, owes: 0n };
    found.set(member, known);
    return known;
  };
  for (const { debtor, creditor, amount } of flows) {
    of(debtor).owes += amount;
    of(creditor).owed += amount;
  }
  return [...found.values()].sort((a, b) => a.member - b.member);
}

const SIZE = 360;
const CENTRE = SIZE / 2;
const RADIUS = 128;

/** Arrows between members, as wide as what is owed. */
export function gross(flows: Flow[]): SVGElement {
  const members = nets(flows).map((net) => net.member);
  const most = flows.reduce((top, flow) => (flow.amount > top ? flow.amount : top), 1n);
  const place = (member: number, radius: number): [x: number, y: number] => {
    const angle = (members.indexOf(member) / members.length) * 2 * Math.PI - Math.PI / 2;
    return [CENTRE + radius * Math.cos(angle), CENTRE + radius * Math.sin(angle)];
  };
  const arrows = flows
    .filter((flow) => flow.amount > 0n)
    .map(({ debtor, creditor, amount, count }) => {
      const [fromX, fromY] = place(debtor, RADIUS);
      const [toX, toY] = place(creditor, RADIUS);
      // Bent to one side, so that two opposite arrows don't lie on each other.
      const [midX, midY] = [(fromX + toX) / 2, (fromY + toY) / 2];
      const [awayX, awayY] = [(toY - fromY) * 0.16, (fromX - toX) * 0.16];
      const share = Number((amount * 1_000n) / most) / 1_000;
      const control = `${round(midX + awayX)} ${round(midY + awayY)}`;
      const [endX, endY] = towards(toX, toY, midX + awayX, midY + awayY, 24);
      return svg(
        'path',
        {
          d: `M${round(fromX)} ${round(fromY)} Q${control} ${round(endX)} ${round(endY)}`,
          class: 'arrow',
          'stroke-width': round(1 + share * 5),
          'marker-end': 'url(#head)',
        },
        svg('title', {}, `Member ${debtor} owes member ${creditor} ${number(amount)} for ${count} obligations`),
      );
    });
  const nodes = members.map((member) => {
    const [x, y] = place(member, RADIUS);
    return svg(
      'g',
      {},
      svg('circle', { cx: round(x), cy: round(y), r: 17, class: 'node' }),
      svg('text', { x: round(x), y: round(y + 5), class: 'node-name', 'text-anchor': 'middle' }, String(member)),
    );
  });
  return svg(
    'svg',
    { viewBox: `0 0 ${SIZE} ${SIZE}`, class: 'netting', role: 'img', 'aria-label': `Who owes whom before netting, among ${members.length} members. The table below has the figures.` },
    svg(
      'defs',
      {},
      svg(
        'marker',
        { id: 'head', viewBox: '0 0 10 10', refX: 6, refY: 5, markerWidth: 9, markerHeight: 9, markerUnits: 'userSpaceOnUse', orient: 'auto' },
        svg('path', { d: 'M0 0 L10 5 L0 10 z', class: 'head' }),
      ),
    ),
    ...arrows,
    ...nodes,
  );
}

/** What each member pays, to the left, or gets, to the right. */
export function bars(rows: Net[]): SVGElement {
  const height = 44;
  const widest = rows.reduce((top, { owed, owes }) => {
    const net = owed > owes ? owed - owes : owes - owed;
    return net > top ? net : top;
  }, 1n);
  const middle = 200;
  const reach = 140;
  return svg(
    'svg',
    {
      viewBox: `0 0 360 ${rows.length * height + 24}`,
      class: 'netting',
      role: 'img',
      'aria-label': 'What each member pays or gets after netting. The table below has the figures.',
    },
    svg('text', { x: middle - 8, y: 14, class: 'axis', 'text-anchor': 'end' }, '← pays'),
    svg('text', { x: middle + 8, y: 14, class: 'axis' }, 'gets →'),
    svg('line', { x1: middle, x2: middle, y1: 4, y2: rows.length * height + 20, class: 'zero' }),
    ...rows.flatMap(({ member, owed, owes }, index) => {
      const gets = owed >= owes;
      const net = gets ? owed - owes : owes - owed;
      const width = (Number((net * 1_000n) / widest) / 1_000) * reach;
      const y = 26 + index * height;
      return [
        svg('text', { x: 4, y: y + 14, class: 'row-name' }, `M${member}`),
        svg('rect', {
          x: round(gets ? middle : middle - width),
          y,
          width: round(Math.max(width, 1)),
          height: 18,
          rx: 3,
          class: gets ? 'gets' : 'pays',
        }),
        svg(
          'text',
          { x: gets ? middle + 6 : middle - 6, y: y + 32, class: 'value', 'text-anchor': gets ? 'start' : 'end' },
          number(net),
        ),
      ];
    }),
  );
}

export function figure(picture: SVGElement, caption: string): HTMLElement {
  return h('figure', {}, picture as unknown as HTMLElement, h('figcaption', {}, caption));
}

function towards(x: number, y: number, fromX: number, fromY: number, less: number): [number, number] {
  const length = Math.hypot(x - fromX, y - fromY) || 1;
  return [x - ((x - fromX) / length) * less, y - ((y - fromY) / length) * less];
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}
