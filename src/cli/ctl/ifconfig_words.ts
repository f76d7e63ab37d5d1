/** The words that ifconfig takes after an interface's name. */
import { NB_IFF_UP } from '../../abi/netbsd/interface.js';
import { NB_AF_INET, NB_AF_INET6 } from '../../abi/netbsd/socket.js';
import { type Given, type Interfaces, parseAddress, parseMask, parsePrefix } from './addresses.js';
import { Refusal } from './errors.js';

/** One thing to be done; `word` tells of it when it fails. */
export type Change = { readonly word: string } & (
  | { readonly kind: 'create' | 'destroy' }
  | { readonly kind: 'flags'; readonly set: number; readonly clear: number }
  | { readonly kind: 'mtu'; readonly mtu: number }
  | { readonly kind: 'linkstr'; readonly text: string | undefined }
  | {
      readonly kind: 'address';
      readonly given: Given;
      /** replace: in the place of the first IPv4 address; IPv6 addresses are always added. */
      readonly action: Action;
      /** undefined: as the address's class has it. */
      readonly prefix: number | undefined;
      readonly broadcast: Given | undefined;
    }
);

/** Throws Refusal. */
export function parseChanges(words: readonly string[], all: () => Interfaces): Change[] {
  return new Words(words, all).parse();
}

type Action = 'replace' | 'add' | 'delete';

class Words {
  readonly #words: string[];
  readonly #all: () => Interfaces;
  readonly #changes: Change[] = [];
  #family: number | undefined;
  /** Of the one address, whether it has been named or is to come. */
  #action: Action = 'replace';
  #actionWord: string | undefined;
  #address: Given | undefined;
  #prefix: number | undefined;
  #broadcast: Given | undefined;

  constructor(words: readonly string[], all: () => Interfaces) {
    this.#words = [...words];
    this.#all = all;
  }

  parse(): Change[] {
    const changes = this.#changes;
    let at = -1;
    while (this.#words.length > 0) {
      this.#one(this.#next(''));
      if (at < 0 && this.#address !== undefined) at = changes.length;
    }
    const given = this.#address;
    if (given === undefined) {
      if (this.#actionWord !== undefined) throw new Refusal(`'${this.#actionWord}' needs an address`);
      return changes;
    }
    // RFC 4291: the identifier of an interface has 64 bits.
    const prefix = this.#prefix ?? given.prefix ?? (given.family === NB_AF_INET6 ? 64 : undefined);
    const [action, broadcast] = [this.#action, this.#broadcast];
    changes.splice(at, 0, { word: given.text, kind: 'address', given, action, prefix, broadcast });
    return changes;
  }

  #next(after: string): string {
    const word = this.#words.shift();
    if (word === undefined) throw new Refusal(`'${after}' needs a value`);
    return word;
  }

  #one(word: string): void {
    switch (word) {
      case 'create':
      case 'destroy':
        this.#changes.push({ word, kind: word });
        break;
      case 'up':
        this.#changes.push({ word, kind: 'flags', set: NB_IFF_UP, clear: 0 });
        break;
      case 'down':
        this.#changes.push({ word, kind: 'flags', set: 0, clear: NB_IFF_UP });
        break;
      case 'mtu':
        this.#changes.push({ word, kind: 'mtu', mtu: mtu(this.#next(word)) });
        break;
      case 'linkstr':
        this.#changes.push({ word, kind: 'linkstr', text: this.#next(word) });
        break;
      case '-linkstr':
        this.#changes.push({ word, kind: 'linkstr', text: undefined });
        break;
      default:
        this.#ofAddress(word);
    }
  }

  #ofAddress(word: string): void {
    switch (word) {
      case 'inet':
      case 'inet6':
        this.#family = word === 'inet' ? NB_AF_INET : NB_AF_INET6;
        this.#actionWord ??= word;
        break;
      case 'alias':
      case '-alias':
      case 'delete':
        this.#action = word === 'alias' ? 'add' : 'delete';
        this.#actionWord = word;
        break;
      case 'netmask':
        this.#prefix = parseMask(this.#next(word), this.#known(word).family);
        break;
      case 'prefixlen':
        this.#prefix = parsePrefix(this.#next(word), this.#known(word).family);
        break;
      case 'broadcast':
        this.#known(word);
        this.#broadcast = parseAddress(this.#next(word), this.#all, NB_AF_INET);
        break;
      default:
        if (!/[.:/]/.test(word)) throw new Refusal(`unknown word '${word}'`);
        if (this.#address !== undefined) throw new Refusal(`'${word}': one address at a time`);
        this.#address = parseAddress(word, this.#all, this.#family);
    }
  }

  #known(word: string): Given {
    if (this.#address === undefined) throw new Refusal(`'${word}' stands behind an address`);
    return this.#address;
  }
}

function mtu(text: string): number {
  if (!/^\d{1,6}$/.test(text)) throw new Refusal(`'${text}' is no mtu: a number of bytes`);
  return Number(text);
}
