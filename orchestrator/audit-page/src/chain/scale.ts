// SCALE by a contract's own metadata: bytes to plain values and back. The plain values look as the orchestrators write
// them in JSON (ids as 0x…, enums by name), with u64 and wider numbers as bigint, so that a document from a file can be
// encoded and hashed without any type being written down here a second time.
import type { Abi } from '@polkadot/api-contract';
import type { SiField } from '@polkadot/types/interfaces';
import { compactFromU8a, compactToU8a, hexToU8a, isHex, stringToU8a, u8aConcat, u8aToHex } from '@polkadot/util';

export type Plain = null | boolean | number | bigint | string | Plain[] | { [field: string]: Plain };
export type Fields = { [field: string]: Plain };

export class ScaleError extends Error {}

/** Whether two values that were read are the same. */
export function sameValue(left: Plain | undefined, right: Plain | undefined): boolean {
  const written = (value: Plain | undefined): string | undefined =>
    JSON.stringify(value, (_, inner: unknown) => (typeof inner === 'bigint' ? `${inner}n` : inner));
  return written(left) === written(right);
}

interface Shape {
  read(from: Reader): Plain;
  write(value: unknown, path: string): Uint8Array;
}

export class Reader {
  private at = 0;

  constructor(private readonly bytes: Uint8Array) {}

  take(length: number): Uint8Array {
    if (this.at + length > this.bytes.length) {
      throw new ScaleError('the bytes end too early');
    }
    this.at += length;
    return this.bytes.subarray(this.at - length, this.at);
  }

  compact(): number {
    const [length, value] = compactFromU8a(this.bytes.subarray(this.at));
    this.take(length);
    return value.toNumber();
  }

  get left(): number {
    return this.bytes.length - this.at;
  }
}

/** A number as little-endian bytes. */
export function littleEndian(value: bigint | number, bytes: number): Uint8Array {
  let rest = BigInt.asUintN(bytes * 8, BigInt(value));
  return Uint8Array.from({ length: bytes }, () => {
    const low = Number(rest & 0xffn);
    rest >>= 8n;
    return low;
  });
}

/** The types of one contract, compiled when they are first used. */
export class Types {
  private readonly shapes = new Map<number, Shape>();
  private readonly numbers = new Map<string, number>();

  constructor(private readonly abi: Abi) {}

  decode(type: number, bytes: Uint8Array): Plain {
    const reader = new Reader(bytes);
    const value = this.shape(type).read(reader);
    if (reader.left > 0) {
      throw new ScaleError(`${reader.left} bytes are left over`);
    }
    return value;
  }

  read(type: number, from: Reader): Plain {
    return this.shape(type).read(from);
  }

  encode(type: number, value: unknown): Uint8Array {
    return this.shape(type).write(value, '');
  }

  /** The number of a type by the end of its path, such as `settlement::Voucher`. */
  named(path: string): number {
    const known = this.numbers.get(path);
    if (known !== undefined) {
      return known;
    }
    const found = this.abi.metadata.types.find(({ type }) => type.path.map(String).join('::').endsWith(path));
    if (!found) {
      throw new ScaleError(`the contract's metadata has no type ${path}`);
    }
    this.numbers.set(path, found.id.toNumber());
    return found.id.toNumber();
  }

  private shape(type: number): Shape {
    let shape = this.shapes.get(type);
    if (!shape) {
      // A placeholder first: a type may contain itself.
      const late: Shape = { read: (from) => made.read(from), write: (value, path) => made.write(value, path) };
      this.shapes.set(type, late);
      const made = this.compile(type);
      this.shapes.set(type, made);
      shape = made;
    }
    return shape;
  }

  private compile(type: number): Shape {
    const { def, path } = this.abi.registry.lookup.getSiType(type);
    const name = path.at(-1)?.toString();
    if (def.isPrimitive) {
      return primitive(def.asPrimitive.type);
    }
    if (def.isComposite) {
      const shape = this.composite(def.asComposite.fields);
      return name === 'Lei' ? lei(shape) : shape;
    }
    if (def.isVariant) {
      const variants = def.asVariant.variants.map((variant) => ({
        name: variant.name.toString(),
        index: variant.index.toNumber(),
        inner: this.composite(variant.fields),
        isUnit: variant.fields.length === 0,
      }));
      return name === 'Option' ? option(variants[1]?.inner) : variant(variants);
    }
    if (def.isSequence) {
      return sequence(this.shape(def.asSequence.type.toNumber()), this.isByte(def.asSequence.type.toNumber()));
    }
    if (def.isArray) {
      const { len, type: inner } = def.asArray;
      return array(len.toNumber(), this.shape(inner.toNumber()), this.isByte(inner.toNumber()));
    }
    if (def.isTuple) {
      return tuple(def.asTuple.map((inner) => this.shape(inner.toNumber())));
    }
    if (def.isCompact) {
      return compact;
    }
    throw new ScaleError(`a type of kind ${def.type} can't be read`);
  }

  private composite(fields: SiField[]): Shape {
    const inner = fields.map((field) => this.shape(field.type.toNumber()));
    const [only] = inner;
    if (fields.length === 1 && only && fields[0]?.name.isNone) {
      return only;
    }
    if (fields.some((field) => field.name.isNone)) {
      return tuple(inner);
    }
    return struct(fields.map((field) => field.name.unwrap().toString()), inner);
  }

  private isByte(type: number): boolean {
    const { def } = this.abi.registry.lookup.getSiType(type);
    return def.isPrimitive && def.asPrimitive.isU8;
  }
}

function struct(names: string[], inner: Shape[]): Shape {
  return {
    read(from) {
      const value: Fields = {};
      names.forEach((name, index) => (value[name] = at(inner, index).read(from)));
      return value;
    },
    write(value, path) {
      const given = object(value, path);
      const stray = Object.keys(given).find((name) => !names.includes(name));
      if (stray !== undefined) {
        throw new ScaleError(`${path}${stray} doesn't belong there`);
      }
      const parts = names.map((name, index) => {
        if (!(name in given)) {
          throw new ScaleError(`${path}${name} is missing`);
        }
        return at(inner, index).write(given[name], `${path}${name}.`);
      });
      return u8aConcat(...parts);
    },
  };
}

function tuple(inner: Shape[]): Shape {
  return {
    read: (from) => inner.map((shape) => shape.read(from)),
    write(value, path) {
      if (!Array.isArray(value) || value.length !== inner.length) {
        throw new ScaleError(`${path} should be a list of ${inner.length}`);
      }
      return u8aConcat(...inner.map((shape, index) => shape.write(value[index], `${path}${index}.`)));
    },
  };
}

function variant(variants: { name: string; index: number; inner: Shape; isUnit: boolean }[]): Shape {
  const byIndex = new Map(variants.map((one) => [one.index, one]));
  const byName = new Map(variants.map((one) => [one.name, one]));
  return {
    read(from) {
      const index = from.take(1)[0] ?? 0;
      const found = byIndex.get(index);
      if (!found) {
        throw new ScaleError(`there is no variant ${index}`);
      }
      return found.isUnit ? found.name : { [found.name]: found.inner.read(from) };
    },
    write(value, path) {
      const [name, inner] = typeof value === 'string' ? [value, undefined] : onlyEntry(value, path);
      const found = byName.get(name);
      if (!found || found.isUnit !== (inner === undefined)) {
        throw new ScaleError(`${path}${name} is none of ${[...byName.keys()].join(', ')}`);
      }
      const content = found.isUnit ? new Uint8Array() : found.inner.write(inner, `${path}${name}.`);
      return u8aConcat(Uint8Array.of(found.index), content);
    },
  };
}

function option(inner: Shape | undefined): Shape {
  if (!inner) {
    throw new ScaleError('an option of nothing');
  }
  return {
    read: (from) => (from.take(1)[0] === 1 ? inner.read(from) : null),
    write: (value, path) =>
      value === null || value === undefined
        ? Uint8Array.of(0)
        : u8aConcat(Uint8Array.of(1), inner.write(value, path)),
  };
}

function sequence(inner: Shape, isBytes: boolean): Shape {
  if (isBytes) {
    return {
      read: (from) => u8aToHex(from.take(from.compact())),
      write(value, path) {
        const bytes = hex(value, path);
        return u8aConcat(compactToU8a(bytes.length), bytes);
      },
    };
  }
  return {
    read: (from) => Array.from({ length: from.compact() }, () => inner.read(from)),
    write(value, path) {
      if (!Array.isArray(value)) {
        throw new ScaleError(`${path} should be a list`);
      }
      return u8aConcat(compactToU8a(value.length), ...value.map((one, index) => inner.write(one, `${path}${index}.`)));
    },
  };
}

function array(length: number, inner: Shape, isBytes: boolean): Shape {
  if (isBytes) {
    return {
      read: (from) => u8aToHex(from.take(length)),
      write(value, path) {
        const bytes = hex(value, path);
        if (bytes.length !== length) {
          throw new ScaleError(`${path} should have ${length} bytes, it has ${bytes.length}`);
        }
        return bytes;
      },
    };
  }
  return tuple(Array.from({ length }, () => inner));
}

const compact: Shape = {
  read: (from) => from.compact(),
  write: (value, path) => compactToU8a(integer(value, path, 0n, (1n << 64n) - 1n)),
};

function lei(inner: Shape): Shape {
  return {
    read: (from) => String.fromCharCode(...hexToU8a(inner.read(from) as string)),
    write: (value, path) => inner.write(typeof value === 'string' ? u8aToHex(stringToU8a(value)) : value, path),
  };
}

function primitive(kind: string): Shape {
  switch (kind) {
    case 'Bool':
      return {
        read: (from) => from.take(1)[0] === 1,
        write(value, path) {
          if (typeof value !== 'boolean') {
            throw new ScaleError(`${path} should be true or false`);
          }
          return Uint8Array.of(value ? 1 : 0);
        },
      };
    case 'Str':
      return {
        read: (from) => new TextDecoder('utf-8', { fatal: true }).decode(from.take(from.compact())),
        write: (value, path) => text(value, path),
      };
    default:
      return number(kind);
  }
}

/** A text with its length before it. */
export function text(value: unknown, path = ''): Uint8Array {
  if (typeof value !== 'string') {
    throw new ScaleError(`${path} should be text`);
  }
  const bytes = new TextEncoder().encode(value);
  return u8aConcat(compactToU8a(bytes.length), bytes);
}

function number(kind: string): Shape {
  const found = /^([UI])(8|16|32|64|128)$/.exec(kind);
  if (!found) {
    throw new ScaleError(`numbers of kind ${kind} can't be read`);
  }
  const bits = Number(found[2]);
  const signed = found[1] === 'I';
  const [least, most] = signed
    ? [-(1n << BigInt(bits - 1)), (1n << BigInt(bits - 1)) - 1n]
    : [0n, (1n << BigInt(bits)) - 1n];
  return {
    read(from) {
      const raw = from.take(bits / 8).reduceRight((sum, byte) => (sum << 8n) | BigInt(byte), 0n);
      const value = signed ? BigInt.asIntN(bits, raw) : raw;
      return bits > 32 ? value : Number(value);
    },
    write: (value, path) => littleEndian(integer(value, path, least, most), bits / 8),
  };
}

function integer(value: unknown, path: string, least: bigint, most: bigint): bigint {
  const isInteger =
    typeof value === 'bigint' ||
    (typeof value === 'number' && Number.isSafeInteger(value)) ||
    (typeof value === 'string' && /^-?\d+$/.test(value));
  if (!isInteger) {
    throw new ScaleError(`${path} should be a whole number`);
  }
  const number = BigInt(value as bigint | number | string);
  if (number < least || number > most) {
    throw new ScaleError(`${path} is beyond what it can hold`);
  }
  return number;
}

function hex(value: unknown, path: string): Uint8Array {
  if (typeof value !== 'string' || !isHex(value, -1)) {
    throw new ScaleError(`${path} should be 0x and hex digits`);
  }
  return hexToU8a(value);
}

function object(value: unknown, path: string): Record<string, unknown> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new ScaleError(`${path || 'the document'} should have fields`);
  }
  return value as Record<string, unknown>;
}

function onlyEntry(value: unknown, path: string): [string, unknown] {
  const entries = Object.entries(object(value, path));
  const [only] = entries;
  if (!only || entries.length !== 1) {
    throw new ScaleError(`${path} should name one variant`);
  }
  return only;
}

function at<T>(list: T[], index: number): T {
  const found = list[index];
  if (found === undefined) {
    throw new ScaleError(`there is nothing at ${index}`);
  }
  return found;
}
