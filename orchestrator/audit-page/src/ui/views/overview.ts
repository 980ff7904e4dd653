// The start page, search results, and single blocks.
import type { App } from '../../app';
import { MOST_HITS, search, type Hit } from '../search';
import { date } from '../../numbers';
import { contractChecks } from '../../verify/contracts';
import { h } from '../dom';
import { capital, id, link, longId, number, where, words } from '../text';
import { checkList, facts, later, plain, table, unfold } from '../parts';

export function overview(app: App): Node[] {
  const { index } = app;
  const open = index.payments.rows.reduce((sum, row) => sum + (index.payments.isPaid(row) ? 0 : 1), 0);
  const cards = [...index.cards.values()].reduce((sum, one) => sum + one.cards.size, 0);
  const onCredit = new Set([...index.credit.values()].flatMap(({ debts, payouts }) => [...debts.keys(), ...payouts.keys()])).size;
  const tile = (href: string, count: number, name: string, more = ''): HTMLElement => {
    const named = count === 1 ? name : name.replace(/^\w+/, '$&s');
    return h('a', { class: 'tile', href: `#${href}` }, h('span', { class: 'count' }, number(count)), h('span', { class: 'name' }, named), h('span', { class: 'more' }, more));
  };
  return [
    h('h1', { tabindex: -1 }, 'Audit'),
    h('p', { class: 'lead' }, 'Everything here is read from the chain by your browser, and checked by it: ids, digests, and each signature with the key that the registry had at the time. No institution’s database is asked.'),
    h(
      'div',
      { class: 'tiles' },
      tile('/institutions', index.institutions.now.size, 'institution', `epoch ${index.institutions.epoch}`),
      tile('/payments', index.payments.rows.length, 'payment', [open ? `${number(open)} open` : 'all paid', index.payments.disputes ? `${number(index.payments.disputes)} contested` : ''].filter(Boolean).join(', ')),
      tile('/windows', index.payments.windows.length, 'window', `${index.payments.windows.filter((one) => one.state === 'settled').length} paid`),
      tile('/deals', index.deals.rows.length, 'deal'),
      tile('/credit', onCredit, 'payment on credit'),
      tile('/cards', cards, 'card'),
      tile('/days', [...index.books.books.values()].reduce((sum, book) => sum + book.days.size, 0), 'day'),
    ),
    ...(index.faults.length
      ? [
          h('h2', {}, 'Events that don’t fit'),
          h('ul', {}, ...index.faults.slice(0, 20).map(({ ref, why }) => h('li', { class: 'error' }, `${ref.contract}: ${why}, `, where(ref)))),
        ]
      : []),
    h('h2', {}, 'Contracts'),
    h('p', {}, 'Which contracts these are, and on which chain, says the server that this page comes from. Compare addresses and genesis hash with a deployment file that you have from elsewhere.'),
    later('Looking at the contracts…', async () => {
      const contracts = [...app.contracts.values()];
      const hashes = await Promise.all(contracts.map((contract) => app.node.codeHash(contract)));
      return [
        table(
          'Contracts',
          [
            { name: 'Contract', cell: ([contract]) => contract.name },
            { name: 'Address', cell: ([contract]) => h('code', { class: 'id whole' }, contract.address) },
            { name: 'Events', isNumber: true, cell: ([contract]) => number(index.counts.get(contract.name) ?? 0) },
          ],
          contracts.map((contract, place) => [contract, hashes[place]] as const),
        ),
        checkList(await contractChecks(app, hashes)),
      ];
    }),
    h('h2', {}, 'Chain'),
    facts([
      ['Chain', app.node.chainName],
      ['Runtime', app.node.nodeName],
      ['Genesis', longId(app.node.genesis)],
      ['Finalized block', number(app.reader.progress.finalized)],
      ['Node', h('code', {}, app.node.url)],
    ]),
  ];
}

export function results(app: App, query: URLSearchParams): Node[] {
  const wanted = query.get('q') ?? '';
  const hits = search(app, wanted);
  const reading = app.reader.progress.read < app.reader.progress.finalized;
  const found = hits.length === 0 ? 'Nothing' : hits.length === MOST_HITS ? `The first ${MOST_HITS} of what was` : number(hits.length);
  return [
    h('h1', { tabindex: -1 }, 'Search'),
    h('p', { role: 'status' }, `${found} found for “${wanted}”${reading ? ' so far: blocks are still being read' : ''}.`),
    hits.length === 0
      ? h('p', {}, 'It can be an id of a voucher, relation, clearing voucher, deal, agreement, hashlock, request, card payment, trade, batch, correction or closing; an account, key, user id or LEI; a digest or a block’s hash; or “member 1”, “block 12”, “window 0”, “card 4711”, “merchant 1”, “book 0”, “2026-01-31”. The beginning of an id is enough.')
      : h('ul', { class: 'hits' }, ...hits.map(hit)),
    hits.length === 0 && /^(0x)?[0-9a-f]{64}$/i.test(wanted)
      ? later('Asking the node for a block of this hash…', async () => {
          const block = await app.node.numberOf(`0x${wanted.replace(/^0x/i, '').toLowerCase()}`);
          return block === null ? [] : [h('ul', { class: 'hits' }, hit({ what: 'Block with this hash', name: `Block ${block}`, href: `/block/${block}` }))];
        })
      : h('span', {}),
  ];
}

function hit({ what, name, href }: Hit): HTMLElement {
  const told = name.startsWith('0x') ? id(name) : name;
  return h('li', {}, h('span', { class: 'kind' }, what), ' ', link(href, told), ' ', /\d/.test(name) && !href.includes(name) ? where_(href) : null);
}

/** Which page it is: several have to do with one account. */
function where_(href: string): HTMLElement {
  const [kind = '', ...rest] = href.split('?')[0]?.split('/').slice(1) ?? [];
  const last = rest.at(-1) ?? '';
  const place = kind === '' ? 'overview' : `${kind.replace('-', ' ')} ${kind === 'day' ? date(Number(last)) : last.startsWith('0x') ? id(last).textContent : last}`;
  return h('span', { class: 'why' }, place);
}

export function blockView(app: App, wanted: number): Node[] {
  return [
    h('h1', { tabindex: -1 }, `Block ${number(wanted)}`),
    h(
      'nav',
      { class: 'pages', 'aria-label': 'Blocks' },
      h('a', { class: 'button', href: `#/block/${Math.max(1, wanted - 1)}` }, '← Before'),
      h('a', { class: 'button', href: `#/block/${wanted + 1}` }, 'After →'),
    ),
    later('Reading the block…', async () => {
      if (wanted > (await app.node.finalized())) {
        return [h('p', {}, 'This block is not finalized so far.')];
      }
      const [found, hash] = await Promise.all([app.node.eventsOf(wanted), app.node.hash(wanted)]);
      const extrinsics = [...new Set(found.map((event) => event.extrinsic))];
      const calls = await Promise.all(extrinsics.map((extrinsic) => app.node.calls(wanted, extrinsic)));
      return [
        facts([['Hash', longId(hash)]]),
        h('h2', {}, 'The contracts’ events'),
        found.length === 0
          ? h('p', { class: 'none' }, 'None.')
          : h(
              'ol',
              { class: 'timeline' },
              ...found.map((event) =>
                h(
                  'li',
                  { class: 'step' },
                  h(
                    'article',
                    {},
                    h('header', {}, h('h3', {}, `${event.contract.name}: ${words(event.name)}`)),
                    h('p', { class: 'when' }, where({ ...event, contract: event.contract.name })),
                    unfold('Fields', () => plain(app, event.fields)),
                  ),
                ),
              ),
            ),
        h('h2', {}, 'What was asked for'),
        ...calls.flatMap(({ calls: list, signer }) =>
          list.map((call) =>
            unfold(`${capital(call.contract.name)}.${call.message}, sent by ${signer ?? 'nobody'}`, () => plain(app, call.args)),
          ),
        ),
      ];
    }),
  ];
}
