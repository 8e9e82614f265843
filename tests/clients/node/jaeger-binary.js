// Binary Thrift to jaeger-agent's port, by Jaeger's client: node jaeger-binary.js HOST:PORT
'use strict';

const { ConstSampler, CompositeReporter, InMemoryReporter, RemoteReporter, Tracer } = require('jaeger-client');
const UDPSender = require('jaeger-client/dist/src/reporters/udp_sender').default;
const opentracing = require('opentracing');
const { print, tag } = require('./report');

function makeSpans(tracer) {
  const start = Date.now() - 60_000;
  const server = tracer.startSpan('GET /checkout', { startTime: start, tags: { 'span.kind': 'server' } });
  server.addTags({ text: 'é & <b>', empty: '', yes: true, no: false, large: 9007199254740991, negative: -1, share: 0.75 });
  const client = tracer.startSpan('charge', { childOf: server, startTime: start + 1, tags: { 'span.kind': 'client' } });
  client.setTag('error', true);
  client.log({ event: 'retry', attempt: 2, last: false }, start + 2);
  client.finish(start + 4);
  const later = tracer.startSpan('mail', {
    references: [opentracing.followsFrom(server.context()), opentracing.childOf(client.context())], startTime: start + 30,
  });
  later.finish(start + 31);
  server.finish(start + 20);
}

const nanoseconds = (milliseconds) => String(BigInt(Math.round(milliseconds * 1000)) * 1000n);
// The client's numbers are all floats.
const tags = (list) => list.map(({ key, value }) => tag(key, value, 'float64'));

function ofJaeger(span) {
  const context = span.context();
  return {
    traceID: context.traceIdStr,
    spanID: context.spanIdStr,
    parentID: context.parentIdStr ?? '',
    service: 'shop',
    name: span._operationName,
    start: nanoseconds(span._startTime),
    end: nanoseconds(span._startTime + span._duration),
    flags: context.flags,
    tags: tags(span._tags),
    logs: span._logs.map(({ timestamp, fields }) => ({ time: nanoseconds(timestamp), fields: tags(fields) })),
    links: span._references.map((reference) => ({
      traceID: reference.referencedContext().traceIdStr,
      spanID: reference.referencedContext().spanIdStr,
      type: reference.type() === opentracing.REFERENCE_CHILD_OF ? 'CHILD_OF' : 'FOLLOWS_FROM',
    })),
    resource: tags(Object.entries(span._tracer._tags).map(([key, value]) => ({ key, value }))),
  };
}

async function main() {
  const [host, port] = process.argv[2].split(':');
  const memory = new InMemoryReporter();
  const failures = [];
  const logger = { info() {}, error(message) { failures.push(message); } };
  const remote = new RemoteReporter(new UDPSender({ host, port: Number(port), logger }), { logger });
  const reporter = new CompositeReporter([memory, remote]);
  const tracer = new Tracer('shop', reporter, new ConstSampler(true), { tags: { zone: 'a', cores: 4 }, traceId128bit: true, logger });
  makeSpans(tracer);
  await new Promise((done) => tracer.close(done));
  if (failures.length > 0) throw new Error(failures.join('; '));
  print(memory.spans.map(ofJaeger));
}

main().catch((error) => {
  console.error(error);
  process.exitCode = 1;
});
