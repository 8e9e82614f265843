// What a program prints, in the terms of its client; the same as that of the Go programs.
'use strict';

// A key with a value and the type that it has on the wire; a client that has one kind of numbers
// says which.
function tag(key, value, number) {
  if (Array.isArray(value)) return { key, type: 'list', value };
  if (typeof value === 'number') return { key, type: number ?? (Number.isInteger(value) ? 'int64' : 'float64'), value };
  return { key, type: typeof value === 'boolean' ? 'bool' : 'string', value };
}

// Prints it as JSON; nanoseconds are more than a number holds, and come as text.
function print(spans) {
  const numbers = /"(start|end|time)":"(\d+)"/g;
  process.stdout.write(JSON.stringify({ spans }).replace(numbers, '"$1":$2') + '\n');
}

module.exports = { tag, print };
