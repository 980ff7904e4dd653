// Reads all finalized blocks once, in order, and goes on with each new one. What it holds at a time is bounded: two
// handfuls of blocks, whose events go to the index and are forgotten.
import { message, type ContractEvent, type Node } from './node';

const BLOCKS_AT_ONCE = 64;

export interface Progress {
  /** The last block that was read. */
  read: number;
  /** The last finalized block. */
  finalized: number;
  events: number;
  /** Why reading stopped, if it did. */
  failure: string | null;
}

export class BlockReader {
  readonly progress: Progress = { read: 0, finalized: 0, events: 0, failure: null };
  private readonly waiting: (() => void)[] = [];
  private isStopped = false;
  private isReading = false;
  private unfollow: (() => void) | null = null;

  constructor(
    private readonly node: Node,
    private readonly take: (event: ContractEvent) => void,
    private readonly changed: () => void,
  ) {}

  async start(): Promise<void> {
    this.unfollow = await this.node.follow((number) => {
      this.progress.finalized = Math.max(this.progress.finalized, number);
      void this.read();
    });
    this.progress.finalized = Math.max(this.progress.finalized, await this.node.finalized());
    await this.read();
  }

  /** Once all blocks that were finalized so far are read. */
  async caughtUp(): Promise<void> {
    if (this.progress.finalized === 0 || this.progress.read < this.progress.finalized) {
      await new Promise<void>((resolve) => this.waiting.push(resolve));
    }
  }

  stop(): void {
    this.isStopped = true;
    this.unfollow?.();
  }

  private async read(): Promise<void> {
    if (this.isReading || this.isStopped || this.progress.failure !== null) {
      return;
    }
    this.isReading = true;
    try {
      // The next blocks are on their way while these are looked at.
      let coming = this.next(this.progress.read + 1);
      while (coming && !this.isStopped) {
        const { to, events } = coming;
        const found = await events;
        coming = this.next(to + 1);
        // Its failure is told when its turn comes.
        coming?.events.catch(() => undefined);
        found.forEach(this.take);
        this.progress.events += found.length;
        this.progress.read = to;
        this.changed();
        // Let the page breathe.
        await new Promise((resolve) => setTimeout(resolve));
        coming ??= this.next(to + 1);
      }
    } catch (error) {
      this.progress.failure = message(error);
      this.changed();
    } finally {
      this.isReading = false;
      this.waiting.splice(0).forEach((resolve) => resolve());
    }
  }

  private next(from: number): { to: number; events: Promise<ContractEvent[]> } | null {
    const to = Math.min(from + BLOCKS_AT_ONCE - 1, this.progress.finalized);
    return from > to ? null : { to, events: this.node.events(from, to) };
  }
}
