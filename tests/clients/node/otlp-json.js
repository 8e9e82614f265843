// OTLP as JSON, by OpenTelemetry's SDK: node otlp-json.js HOST:PORT
'use strict';

const { SpanKind, SpanStatusCode, context, trace } = require('@opentelemetry/api');
const { OTLPTraceExporter } = require('@opentelemetry/exporter-trace-otlp-http');
const { resourceFromAttributes } = require('@opentelemetry/resources');
const { BasicTracerProvider, BatchSpanProcessor } = require('@opentelemetry/sdk-trace-base');
const { print, tag } = require('./report');

// Notes the spans that an exporter is given, and whether it could send them.
class Tee {
  constructor(exporter) {
    this.exporter = exporter;
    this.spans = [];
  }

  export(spans, done) {
    this.exporter.export(spans, (result) => {
      this.spans.push(...spans);
      if (result.code !== 0) this.error = result.error ?? new Error('not sent');
      done(result);
    });
  }

  forceFlush() {
    return this.exporter.forceFlush?.() ?? Promise.resolve();
  }

  shutdown() {
    return this.exporter.shutdown();
  }
}

function makeTrace(tracer) {
  const start = Date.now() - 60_000;
  const server = tracer.startSpan('GET /checkout', {
    kind: SpanKind.SERVER,
    startTime: start,
    attributes: {
      'http.url': 'https://shop.example/checkout?a=1&b=é', empty: '', retried: true, large: 9007199254740991,
      negative: -1, share: 0.75, items: ['tea', 'cup'], counts: [1, -2], flags: [true, false],
    },
  });
  const within = trace.setSpan(context.active(), server);
  const elsewhere = tracer.startSpan('another trace', { startTime: start });
  elsewhere.end(start + 1);
  const client = tracer.startSpan('charge', {
    kind: SpanKind.CLIENT, startTime: start + 1, links: [{ context: elsewhere.spanContext() }],
  }, within);
  client.addEvent('retry', { reason: 'timeout', attempt: 2 }, start + 2);
  client.addEvent('gave up', start + 3);
  client.setStatus({ code: SpanStatusCode.ERROR, message: 'card declined' });
  client.end(start + 4);
  for (const kind of [SpanKind.PRODUCER, SpanKind.CONSUMER, SpanKind.INTERNAL]) {
    tracer.startSpan('step', { kind, startTime: start + 5 }, within).end(start + 7);
  }
  server.setStatus({ code: SpanStatusCode.OK });
  server.end(start + 20);
}

const nanoseconds = ([seconds, rest]) => String(BigInt(seconds) * 1_000_000_000n + BigInt(rest));
const tags = (attributes) => Object.entries(attributes ?? {}).map(([key, value]) => tag(key, value));

function ofOpenTelemetry(span) {
  const resource = tags(span.resource.attributes);
  return {
    traceID: span.spanContext().traceId,
    spanID: span.spanContext().spanId,
    parentID: span.parentSpanContext?.spanId ?? '',
    service: resource.find(({ key }) => key === 'service.name').value,
    name: span.name,
    kind: SpanKind[span.kind].toLowerCase(),
    start: nanoseconds(span.startTime),
    end: nanoseconds(span.endTime),
    tags: tags(span.attributes),
    logs: span.events.map(({ time, name, attributes }) => ({ time: nanoseconds(time), name, fields: tags(attributes) })),
    links: span.links.map((link) => ({ traceID: link.context.traceId, spanID: link.context.spanId, type: '' })),
    resource: resource.filter(({ key }) => key !== 'service.name'),
    status: { code: ['Unset', 'Ok', 'Error'][span.status.code], message: span.status.message ?? '' },
    scope: { name: span.instrumentationScope.name, version: span.instrumentationScope.version ?? '' },
  };
}

async function main() {
  const tee = new Tee(new OTLPTraceExporter({ url: `http://${process.argv[2]}/v1/traces` }));
  const resource = resourceFromAttributes({ 'service.name': 'shop', 'service.version': '1.2.3', 'host.cpu.count': 4 });
  const provider = new BasicTracerProvider({ resource, spanProcessors: [new BatchSpanProcessor(tee)] });
  makeTrace(provider.getTracer('example.org/shop', '0.9'));
  await provider.shutdown();
  if (tee.error) throw tee.error;
  print(tee.spans.map(ofOpenTelemetry));
}

main().catch((error) => {
  console.error(error);
  process.exitCode = 1;
});
