/**
 * What belongs together over processes and threads of time: the id of a request, which goes into every line of the log
 * and every job that the request enqueued, and OpenTelemetry spans. Must not know what is done within them.
 *
 * Without an exporter (startTracing was not called) OpenTelemetry's spans are empty and cost nothing worth measuring.
 */
import { AsyncLocalStorage } from 'node:async_hooks';
import {
  type Attributes,
  type Context,
  context,
  propagation,
  SpanKind,
  SpanStatusCode,
  trace,
} from '@opentelemetry/api';

/** Where a job came from: travels in its payload. */
export interface JobOrigin {
  readonly requestId?: string;
  /** Of the W3C's trace context, where the request was traced. */
  readonly traceparent?: string;
}

const requestIds = new AsyncLocalStorage<string>();

/** The id of the request that this is part of, or that enqueued the job which this is part of. */
export function currentRequestId(): string | undefined {
  return requestIds.getStore();
}

/** Runs `work` as part of a request. */
export function inRequest<T>(requestId: string | undefined, work: () => T): T {
  return requestId === undefined ? work() : requestIds.run(requestId, work);
}

/** What a job that is enqueued here takes along. */
export function currentOrigin(): JobOrigin {
  const carrier: { traceparent?: string } = {};
  propagation.inject(context.active(), carrier);
  return { requestId: currentRequestId(), traceparent: carrier.traceparent };
}

/** The trace that a request's headers or a job's origin continue. */
export function continuedTrace(carrier: object): Context {
  return propagation.extract(context.active(), carrier);
}

interface SpanSettings {
  readonly kind?: keyof typeof SpanKind;
  /** Absent: the one that is active. */
  readonly parent?: Context;
}

/** Runs `work` in a span of this name; what it throws is recorded there and thrown on. */
export function inSpan<T>(
  name: string,
  attributes: Attributes,
  work: () => Promise<T>,
  { kind = 'INTERNAL', parent = context.active() }: SpanSettings = {},
): Promise<T> {
  const tracer = trace.getTracer('fusecast');
  return tracer.startActiveSpan(name, { kind: SpanKind[kind], attributes }, parent, async (span) => {
    try {
      return await work();
    } catch (error) {
      span.recordException(error as Error);
      span.setStatus({ code: SpanStatusCode.ERROR });
      throw error;
    } finally {
      span.end();
    }
  });
}

/** Gives the active span, if there is one, the name of what it turned out to be. */
export function nameSpan(name: string): void {
  trace.getActiveSpan()?.updateName(name);
}

/**
 * Sends the spans of this process to a collector, by OTLP over HTTP.
 * @param endpoint of the collector, without `/v1/traces`
 * @param role of this process, by which the collector tells replicas apart
 * @returns how to send what is left and stop
 */
export async function startTracing(endpoint: string, role: string): Promise<() => Promise<void>> {
  // Loaded here, so that nobody pays for it who does not trace.
  const { BatchSpanProcessor, NodeTracerProvider } = await import('@opentelemetry/sdk-trace-node');
  const { OTLPTraceExporter } = await import('@opentelemetry/exporter-trace-otlp-http');
  const { resourceFromAttributes } = await import('@opentelemetry/resources');
  const exporter = new OTLPTraceExporter({ url: `${endpoint.replace(/\/+$/, '')}/v1/traces` });
  const provider = new NodeTracerProvider({
    resource: resourceFromAttributes({ 'service.name': 'fusecast', 'service.instance.role': role }),
    spanProcessors: [new BatchSpanProcessor(exporter)],
  });
  provider.register();
  return async () => {
    await provider.shutdown();
    for (const part of [trace, context, propagation]) part.disable();
  };
}
