// The page: what it is around the views, and which view an address is.
import { App } from './app';
import { loadConfig, type Config } from './config';
import { message } from './chain/node';
import { fresh, h } from './ui/dom';
import { number } from './ui/text';
import { evidence } from './ui/views/evidence';
import { institution, institutions } from './ui/views/institutions';
import { blockView, overview, results } from './ui/views/overview';
import { payment, payments, windows, window_ } from './ui/views/settlement';
import { card, cardPayment, cards, merchant } from './ui/views/cards';
import { book, books, day } from './ui/views/days';
import { credit, deal, deals, debt, line } from './ui/views/trades';

interface View {
  make: (app: App) => Node[];
  /** Shows many things: made again while blocks are read. */
  isList: boolean;
}

const PLACES: [path: string, name: string][] = [
  ['/', 'Overview'],
  ['/institutions', 'Institutions'],
  ['/payments', 'Payments'],
  ['/windows', 'Windows'],
  ['/deals', 'Deals'],
  ['/credit', 'Credit'],
  ['/cards', 'Cards'],
  ['/days', 'Days'],
  ['/evidence', 'Evidence'],
];

const NODE_KEY = 'quittance-audit-node';
/** How often lists are made again while blocks are read, in milliseconds. */
const REFRESH = 1_000;

function route(): View {
  const [path = '/', search = ''] = location.hash.replace(/^#/, '').split('?');
  const query = new URLSearchParams(search);
  const [place = '', ...rest] = path.split('/').slice(1);
  const [first = '', second = '', third = '', fourth = '0'] = rest;
  const list = (make: View['make']): View => ({ make, isList: true });
  const one = (make: View['make']): View => ({ make, isList: false });
  switch (place) {
    case '':
      return list(overview);
    case 'institutions':
      return list(institutions);
    case 'institution':
      return one((app) => institution(app, Number(first)));
    case 'payments':
      return list((app) => payments(app, query));
    case 'payment':
      return one((app) => payment(app, first));
    case 'windows':
      return list(windows);
    case 'window':
      return one((app) => window_(app, Number(first), query));
    case 'deals':
      return list((app) => deals(app, query));
    case 'deal':
      return one((app) => deal(app, first));
    case 'credit':
      return list((app) => credit(app, query));
    case 'line':
      return one((app) => line(app, first, Number(second)));
    case 'debt':
      return one((app) => debt(app, first));
    case 'cards':
      return list((app) => cards(app, query));
    case 'card':
      return one((app) => card(app, first, second, query));
    case 'card-payment':
      return one((app) => cardPayment(app, first, second, third, fourth));
    case 'merchant':
      return one((app) => merchant(app, first, Number(second)));
    case 'days':
      return list(books);
    case 'book':
      return one((app) => book(app, Number(first)));
    case 'day':
      return one((app) => day(app, Number(first), Number(second), query));
    case 'evidence':
      return list(evidence);
    case 'search':
      return list((app) => results(app, query));
    case 'block':
      return one((app) => blockView(app, Number(first)));
    default:
      return one(() => [h('h1', { tabindex: -1 }, 'There is no such page'), h('p', {}, h('a', { href: '#/' }, 'Go to the overview'))]);
  }
}

class Page {
  private app: App | null = null;
  private readonly content = h('main', { id: 'content' });
  private readonly bar = h('progress', { max: 1, value: 0, 'aria-label': 'Blocks read' });
  private readonly told = h('span', { class: 'told' });
  /** The same for who doesn't see it, without each new block. */
  private readonly said = h('span', { class: 'hidden', role: 'status' });
  private readonly nodeInput = h('input', { type: 'url', required: true, placeholder: 'wss://…', autocomplete: 'off', spellcheck: false });
  private readonly searchInput = h('input', { type: 'search', id: 'search', name: 'q', placeholder: 'Id, LEI, account, block…', autocomplete: 'off', spellcheck: false });
  private readonly nav = h('nav', { 'aria-label': 'Sections' });
  private drawn = '';
  private drawnAt = 0;
  private refresh: number | undefined;
  private hasRead = false;

  constructor(private readonly config: Config) {}

  start(root: HTMLElement): void {
    this.nodeInput.id = fresh('node');
    root.replaceChildren(
      h('a', { class: 'skip', href: '#content', onclick: (event: Event) => this.skip(event) }, 'Skip to the content'),
      h(
        'header',
        { class: 'top' },
        h('a', { class: 'brand', href: '#/' }, h('span', { class: 'mark', 'aria-hidden': 'true' }, '✓'), ' Quittance ', h('span', {}, 'audit')),
        h(
          'form',
          { class: 'search', role: 'search', onsubmit: (event: Event) => this.search(event) },
          h('label', { for: 'search', class: 'hidden' }, 'Search'),
          this.searchInput,
          h('button', {}, 'Search'),
        ),
        this.nav,
      ),
      h(
        'section',
        { class: 'reading', 'aria-label': 'Chain' },
        this.bar,
        this.told,
        this.said,
        h(
          'details',
          { class: 'node' },
          h('summary', {}, 'Node'),
          h(
            'form',
            { onsubmit: (event: Event) => this.chooseNode(event) },
            h('label', { for: this.nodeInput.id }, 'Read from the node at'),
            this.nodeInput,
            h('button', {}, 'Connect'),
            h('p', {}, 'Any archive node of the same chain will do. This page believes the node which blocks are finalized and what is in them: read from one that you trust, or from two and compare.'),
          ),
        ),
      ),
      this.content,
    );
    window.addEventListener('hashchange', () => this.draw(true));
    this.drawNav();
    const url = remembered() ?? this.config.node_url;
    if (url) {
      this.nodeInput.value = url;
      void this.connect(url);
      return;
    }
    this.content.replaceChildren(
      h('h1', { tabindex: -1 }, 'Which node shall be read?'),
      h('p', {}, 'Enter the address of a node of this chain above. A node on this machine is usually at ', h('code', {}, 'ws://127.0.0.1:9944'), '.'),
    );
    root.querySelector('details.node')?.setAttribute('open', '');
  }

  private async connect(url: string): Promise<void> {
    await this.app?.stop().catch(() => undefined);
    this.app = null;
    this.hasRead = false;
    this.content.replaceChildren(h('p', { class: 'loading' }, `Connecting to ${url}…`));
    this.told.textContent = '';
    try {
      const app = await App.start(this.config, url);
      this.app = app;
      app.onChange(() => this.changed());
      this.draw(false);
      await app.reader.start();
    } catch (error) {
      this.content.replaceChildren(
        h('h1', { tabindex: -1 }, 'The chain can’t be read'),
        h('p', { class: 'error', role: 'alert' }, message(error)),
        h('p', {}, 'Enter another node’s address above, under “Node”.'),
      );
      document.querySelector('details.node')?.setAttribute('open', '');
    }
  }

  /** Blocks were read, or evidence came. */
  private changed(): void {
    if (!this.app) {
      return;
    }
    const { read, finalized, events, failure } = this.app.reader.progress;
    this.bar.max = Math.max(finalized, 1);
    this.bar.value = read;
    this.bar.hidden = read >= finalized && failure === null;
    const isDone = read >= finalized;
    const text = failure ?? (isDone ? `${number(finalized)} blocks read, ${number(events)} events` : `Reading block ${number(read)} of ${number(finalized)}`);
    if (this.told.textContent !== text) {
      this.told.textContent = text;
    }
    this.told.classList.toggle('error', failure !== null);
    const said = failure ?? (isDone ? 'All blocks are read' : 'Blocks are being read');
    if (this.said.textContent !== said && !(this.hasRead && failure === null)) {
      this.said.textContent = said;
    }
    const justDone = isDone && !this.hasRead;
    this.hasRead ||= isDone;
    document.body.dataset.read = String(isDone);
    const view = route();
    if (justDone || (location.hash === '#/evidence')) {
      this.draw(false);
    } else if (view.isList && this.refresh === undefined) {
      this.refresh = window.setTimeout(() => {
        this.refresh = undefined;
        this.draw(false);
      }, Math.max(0, this.drawnAt + REFRESH - Date.now()));
    }
  }

  private draw(isMove: boolean): void {
    if (!this.app) {
      return;
    }
    const view = route();
    const address = location.hash;
    if (!isMove && address === this.drawn && this.isInUse() && !address.startsWith('#/evidence')) {
      // Someone is reading or typing there.
      return;
    }
    this.drawnAt = Date.now();
    this.drawn = address;
    try {
      this.content.replaceChildren(...view.make(this.app));
    } catch (error) {
      this.content.replaceChildren(h('h1', { tabindex: -1 }, 'This can’t be shown'), h('p', { class: 'error', role: 'alert' }, message(error)));
    }
    const heading = this.content.querySelector('h1');
    document.title = `${heading?.textContent ?? ''} – Quittance audit`;
    this.drawNav();
    if (isMove) {
      window.scrollTo(0, 0);
      heading?.focus({ preventScroll: true });
    }
  }

  private isInUse(): boolean {
    const inner = document.activeElement;
    const isFocused = inner !== null && inner !== document.body && this.content.contains(inner) && inner.tagName !== 'H1';
    const isSelected = document.getSelection()?.isCollapsed === false;
    return isFocused || isSelected || this.content.querySelector('details[open]') !== null || window.scrollY > 200;
  }

  private drawNav(): void {
    const here = `/${location.hash.replace(/^#\//, '').split(/[/?]/)[0] ?? ''}`;
    const within: Record<string, string> = {
      '/payment': '/payments',
      '/institution': '/institutions',
      '/window': '/windows',
      '/deal': '/deals',
      '/debt': '/credit',
      '/line': '/credit',
      '/card': '/cards',
      '/card-payment': '/cards',
      '/merchant': '/cards',
      '/book': '/days',
      '/day': '/days',
    };
    this.nav.replaceChildren(
      ...PLACES.map(([path, name]) =>
        h('a', { href: `#${path}`, 'aria-current': (within[here] ?? here) === path ? 'page' : null }, name),
      ),
    );
    // On a phone the sections don't all fit: the present one is in sight.
    const current = this.nav.querySelector<HTMLElement>('[aria-current]');
    if (current) {
      this.nav.scrollLeft = current.offsetLeft - (this.nav.clientWidth - current.offsetWidth) / 2;
    }
  }

  private search(event: Event): void {
    event.preventDefault();
    const wanted = this.searchInput.value.trim();
    if (!wanted || !this.app) {
      return;
    }
    location.hash = `#/search?q=${encodeURIComponent(wanted)}`;
  }

  private chooseNode(event: Event): void {
    event.preventDefault();
    const url = this.nodeInput.value.trim();
    remember(url === this.config.node_url ? null : url);
    void this.connect(url);
  }

  private skip(event: Event): void {
    event.preventDefault();
    this.content.querySelector<HTMLElement>('h1')?.focus();
  }
}

// A browser may forbid to keep anything: then the choice lasts as long as the page.
function remembered(): string | null {
  try {
    return localStorage.getItem(NODE_KEY);
  } catch {
    return null;
  }
}

function remember(url: string | null): void {
  try {
    url === null ? localStorage.removeItem(NODE_KEY) : localStorage.setItem(NODE_KEY, url);
  } catch {
    // Not kept.
  }
}

const root = document.getElementById('page') as HTMLElement;
loadConfig().then(
  (config) => new Page(config).start(root),
  (error: unknown) => root.replaceChildren(h('p', { class: 'error', role: 'alert' }, message(error))),
);
