/// Reads what an ELF file (64 bit, little endian) says of how it wants to be loaded, as elf(5) has it.
import assert from 'node:assert/strict';
import fs from 'node:fs';

const kSegment = { dynamic: 2, stack: 0x6474e551, relro: 0x6474e552 };
const kSection = { dynsym: 11 };
const kTag = { needed: 1, textrel: 22, flags: 30, flags1: 0x6ffffffb };

/// `imports`: functions that other files have. `needed`: those files.
export function readElf(file) {
  const bytes = fs.readFileSync(file);
  assert.equal(bytes.toString('latin1', 0, 6), '\x7fELF\x02\x01', `${file} is a 64 bit ELF file`);
  const number = (at) => Number(bytes.readBigUInt64LE(at));
  const word = (at) => bytes.readUInt32LE(at);
  const table = (offset, size, count) => Array.from({ length: count }, (_, i) => offset + i * size);
  const segments = table(number(32), bytes.readUInt16LE(54), bytes.readUInt16LE(56)).map((at) => ({
    type: word(at),
    flags: word(at + 4),
    offset: number(at + 8),
    size: number(at + 32),
  }));
  const sections = table(number(40), bytes.readUInt16LE(58), bytes.readUInt16LE(60)).map((at) => ({
    type: word(at + 4),
    offset: number(at + 24),
    size: number(at + 32),
    link: word(at + 40),
  }));
  const symbols = sections.find(({ type }) => type === kSection.dynsym);
  const strings = sections[symbols.link].offset;
  const text = (at) => bytes.toString('latin1', strings + at, bytes.indexOf(0, strings + at));

  const dynamic = segments.find(({ type }) => type === kSegment.dynamic);
  const entries = table(dynamic.offset, 16, dynamic.size / 16).map((at) => [
    number(at),
    number(at + 8),
  ]);
  const valueOf = (tag) => entries.find(([found]) => found === tag)?.[1] ?? 0;
  const stack = segments.find(({ type }) => type === kSegment.stack);
  return {
    isPositionIndependent: bytes.readUInt16LE(16) === 3,
    isPie: (valueOf(kTag.flags1) & 0x08000000) !== 0,
    bindsNow: (valueOf(kTag.flags) & 8) !== 0 || (valueOf(kTag.flags1) & 1) !== 0,
    hasRelro: segments.some(({ type }) => type === kSegment.relro),
    hasExecutableStack: !stack || (stack.flags & 1) !== 0,
    writesCode: entries.some(([tag]) => tag === kTag.textrel) || (valueOf(kTag.flags) & 4) !== 0,
    needed: entries.filter(([tag]) => tag === kTag.needed).map(([, at]) => text(at)),
    imports: new Set(
      table(symbols.offset, 24, symbols.size / 24)
        .filter((at) => bytes.readUInt16LE(at + 6) === 0)
        .map((at) => text(word(at))),
    ),
  };
}
