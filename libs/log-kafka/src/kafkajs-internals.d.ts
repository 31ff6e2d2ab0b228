/**
 * What we use of kafkajs 2.2.4 below its public classes (see `broker-link.ts` for why). The version is pinned, and
 * the package has no `exports` map, so these paths hold.
 */
declare module 'kafkajs/src/cluster/index.js' {
  import type { ISocketFactory, ITopicMetadata } from 'kafkajs';

  export type Request = {
    readonly apiKey: number;
    readonly apiVersion: number;
    readonly apiName: string;
    encode(): Promise<unknown>;
  };

  export type Broker = {
    readonly connectionPool: {
      send<T extends { readonly clientSideThrottleTime: number }>(call: {
        readonly request: Request;
        readonly response: { decode(payload: Buffer): Promise<T>; parse(decoded: T): Promise<T> };
        readonly requestTimeout: number;
      }): Promise<T>;
    };
    initProducerId(request: {
      readonly transactionTimeout: number;
    }): Promise<{ readonly producerId: string; readonly producerEpoch: number }>;
    produce(request: {
      readonly topicData: readonly {
        readonly topic: string;
        readonly partitions: readonly {
          readonly partition: number;
          readonly firstSequence: number;
          readonly messages: readonly { readonly value: Buffer }[];
        }[];
      }[];
      readonly producerId: string;
      readonly producerEpoch: number;
      readonly acks: -1;
      readonly timeout: number;
      readonly compression: number;
    }): Promise<{
      readonly topics: readonly { readonly partitions: readonly { readonly baseOffset: string }[] }[];
    }>;
  };

  export type Logger = {
    namespace(name: string): Logger;
    error(message: string): void;
    warn(message: string): void;
    info(message: string): void;
    debug(message: string): void;
  };

  export default class Cluster {
    constructor(options: {
      readonly logger: Logger;
      readonly socketFactory: ISocketFactory;
      readonly brokers: readonly string[];
      readonly ssl: object | undefined;
      readonly sasl: object | undefined;
      readonly clientId: string;
      readonly connectionTimeout: number;
      readonly authenticationTimeout: number;
      readonly requestTimeout: number;
      readonly enforceRequestTimeout: true;
      readonly metadataMaxAge: number;
      readonly retry: { readonly retries: 0; readonly initialRetryTime: number };
      readonly allowAutoTopicCreation: false;
      readonly maxInFlightRequests: number;
      readonly isolationLevel: number;
    });
    connect(): Promise<void>;
    disconnect(): Promise<void>;
    addTargetTopic(topic: string): Promise<void>;
    refreshMetadata(): Promise<void>;
    findTopicPartitionMetadata(topic: string): ITopicMetadata['partitions'];
    findLeaderForPartitions(topic: string, partitions: readonly number[]): Readonly<Record<string, readonly number[]>>;
    findBroker(node: { readonly nodeId: string }): Promise<Broker>;
    fetchTopicsOffset(
      topics: readonly {
        readonly topic: string;
        readonly partitions: readonly { readonly partition: number }[];
        readonly fromBeginning: boolean;
      }[],
    ): Promise<readonly { readonly partitions: readonly { readonly offset: string }[] }[]>;
  }
}

declare module 'kafkajs/src/network/requestQueue/index.js' {
  export default class RequestQueue {
    readonly pending: readonly unknown[];
    scheduleCheckPendingRequests(): void;
  }
}

declare module 'kafkajs/src/protocol/requests/fetch/v11/request.js' {
  import type { Request } from 'kafkajs/src/cluster/index.js';

  export default function fetchRequest(options: {
    readonly replicaId: -1;
    readonly isolationLevel: number;
    readonly maxWaitTime: number;
    readonly minBytes: number;
    readonly maxBytes: number;
    readonly topics: readonly {
      readonly topic: string;
      readonly partitions: readonly { readonly partition: number; readonly fetchOffset: string; readonly maxBytes: number }[];
    }[];
  }): Request;
}

declare module 'kafkajs/src/protocol/error.js' {
  import type { KafkaJSProtocolError } from 'kafkajs';

  const protocolErrors: { createErrorFromCode(code: number): KafkaJSProtocolError };
  export default protocolErrors;
}

declare module 'kafkajs/src/protocol/recordBatch/crc32C/index.js' {
  export default function crc32C(bytes: Buffer): number;
}
