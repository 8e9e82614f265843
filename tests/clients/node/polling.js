// Clients that ask a collector how much to sample, and what they do with the answer.
//
//   node polling.js otel URL SERVICE     OpenTelemetry's remote sampler of Jaeger; it adds `/sampling` itself
//   node polling.js jaeger URL SERVICE   Jaeger's own client
//
// Both read lines `COUNT OPERATION` and answer each with `SAMPLED TYPE PARAM`, as tests/clients/polling
// does: of COUNT root spans, whose chances lie evenly, so many were sampled, by a sampler of that type.
// They poll meanwhile.
'use strict';

const readline = require('readline');

// Milliseconds between polls.
const INTERVAL = 20;

// The remote sampler tags nothing: what it samples says neither type nor parameter.
function otel(url, serviceName) {
  const { ROOT_CONTEXT, SpanKind } = require('@opentelemetry/api');
  const { AlwaysOffSampler, SamplingDecision } = require('@opentelemetry/sdk-trace-base');
  const { JaegerRemoteSampler } = require('@opentelemetry/sampler-jaeger-remote');
  const endpoint = url.replace(/\/sampling$/, '');
  const initialSampler = new AlwaysOffSampler();
  const sampler = new JaegerRemoteSampler({ endpoint, serviceName, initialSampler, poolingInterval: INTERVAL });
  return (operation, chance) => {
    // The sampler takes the exclusive or of the id's four words for its number.
    const word = Math.floor(chance * 2 ** 32).toString(16).padStart(8, '0');
    const id = `0000000100000001${'0'.repeat(8)}${word}`;
    const { decision } = sampler.shouldSample(ROOT_CONTEXT, id, operation, SpanKind.SERVER, {}, []);
    return decision === SamplingDecision.RECORD_AND_SAMPLED ? ['none', 'none'] : null;
  };
}

function jaeger(url, service) {
  const { ConstSampler, InMemoryReporter, RemoteSampler, Tracer } = require('jaeger-client');
  const { hostname: host, port, pathname: samplingPath } = new URL(url);
  // Nothing is sampled until the first answer.
  const options = { host, port: Number(port), samplingPath, refreshInterval: INTERVAL, sampler: new ConstSampler(false) };
  const tracer = new Tracer(service, new InMemoryReporter(), new RemoteSampler(service, options));
  const random = Math.random;
  return (operation, chance) => {
    // The client does not sample by the trace's id, but by a number of its own.
    Math.random = () => chance;
    const span = tracer.startSpan(operation);
    Math.random = random;
    if (!span.context().isSampled()) return null;
    const tag = key => span._tags.find(tag => tag.key === key)?.value ?? 'none';
    return [tag('sampler.type'), tag('sampler.param')];
  };
}

const [kind, url, service] = process.argv.slice(2);
const start = { otel, jaeger }[kind](url, service);
const lines = readline.createInterface({ input: process.stdin });
lines.on('line', line => {
  const [count, operation] = line.split(' ');
  let [sampled, by] = [0, ['none', 'none']];
  for (let index = 0; index < Number(count); index++) {
    const decided = start(operation, (index + 0.5) / Number(count));
    if (decided) [sampled, by] = [sampled + 1, decided];
  }
  process.stdout.write(`${sampled} ${by.join(' ')}\n`);
});
lines.on('close', () => process.exit(0));
