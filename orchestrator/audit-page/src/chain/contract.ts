// A deployed contract with its bundle: which event and which message some bytes are.
import { Abi } from '@polkadot/api-contract';
import { u8aConcat, u8aToHex } from '@polkadot/util';
import { decodeAddress } from '@polkadot/util-crypto';
import type { Deployed } from '../config';
import { Reader, ScaleError, Types, type Fields } from './scale';

interface Argument {
  name: string;
  type: number;
}

export interface Message {
  name: string;
  selector: Uint8Array;
  args: Argument[];
  returns: number | null;
}

export interface Call {
  contract: Contract;
  message: string;
  args: Fields;
}

export class Contract {
  readonly name: string;
  readonly address: string;
  readonly account: string;
  readonly codeHash: string;
  readonly types: Types;
  private readonly events = new Map<string, { name: string; args: Argument[] }>();
  private readonly messages = new Map<string, Message>();
  private readonly bySelector = new Map<string, Message>();

  constructor(deployed: Deployed, bundle: Record<string, unknown>) {
    const abi = new Abi(bundle);
    this.name = deployed.name;
    this.address = deployed.address;
    this.account = u8aToHex(decodeAddress(deployed.address));
    this.codeHash = deployed.code_hash;
    this.types = new Types(abi);
    const { spec } = abi.metadata;
    for (const event of spec.events) {
      // ink! 5 tells events apart by a topic.
      const { label, args, signature_topic: topic } = event as unknown as {
        label: { toString(): string };
        args: { label: { toString(): string }; type: { type: { toNumber(): number } } }[];
        signature_topic: { isSome: boolean; unwrap(): { toHex(): string } };
      };
      if (topic.isSome) {
        this.events.set(topic.unwrap().toHex(), { name: label.toString(), args: args.map(argument) });
      }
    }
    for (const spec_message of spec.messages) {
      const message: Message = {
        name: spec_message.label.toString(),
        selector: spec_message.selector.toU8a(),
        args: spec_message.args.map(argument),
        returns: spec_message.returnType.isSome ? spec_message.returnType.unwrap().type.toNumber() : null,
      };
      this.messages.set(message.name, message);
      this.bySelector.set(u8aToHex(message.selector), message);
    }
  }

  /** The kind of contract: `credit_7` is a `credit`. */
  get kind(): string {
    return this.name.replace(/_\d+$/, '');
  }

  decodeEvent(topic: string | undefined, data: Uint8Array): { name: string; fields: Fields } {
    const event = topic === undefined ? undefined : this.events.get(topic);
    if (!event) {
      throw new ScaleError(`${this.name} emitted an event that its bundle doesn't know`);
    }
    return { name: event.name, fields: this.fields(event.args, new Reader(data)) };
  }

  /** What a transaction asked the contract for; `null` if its bundle has no such message. */
  decodeCall(data: Uint8Array): Call | null {
    const message = this.bySelector.get(u8aToHex(data.subarray(0, 4)));
    if (!message) {
      return null;
    }
    return { contract: this, message: message.name, args: this.fields(message.args, new Reader(data.subarray(4))) };
  }

  encodeCall(name: string, args: unknown[]): Uint8Array {
    const message = this.message(name);
    return u8aConcat(message.selector, ...message.args.map(({ type }, index) => this.types.encode(type, args[index])));
  }

  message(name: string): Message {
    const message = this.messages.get(name);
    if (!message) {
      throw new ScaleError(`${this.name} has no message ${name}`);
    }
    return message;
  }

  /** An argument of a message as bytes: what ids and digests are computed over. */
  encodeArgument(message: string, name: string, value: unknown): Uint8Array {
    const found = this.message(message).args.find((one) => one.name === name);
    if (!found) {
      throw new ScaleError(`${message} has no argument ${name}`);
    }
    return this.types.encode(found.type, value);
  }

  private fields(args: Argument[], from: Reader): Fields {
    const fields: Fields = {};
    for (const { name, type } of args) {
      fields[name] = this.types.read(type, from);
    }
    if (from.left > 0) {
      throw new ScaleError(`${from.left} bytes are left over`);
    }
    return fields;
  }
}

function argument(arg: { label: { toString(): string }; type: { type: { toNumber(): number } } }): Argument {
  return { name: arg.label.toString(), type: arg.type.type.toNumber() };
}
