export {
  deliveryJobId,
  readDeliveryJob,
  readValidationJob,
  validationJobId,
  type DeliveryJob,
  type ValidationJob,
} from './jobs';
export {
  QueueUnavailableError,
  type DeliveryQueue,
  type JobConcurrency,
  type JobConsumer,
  type JobHandlers,
  type ScheduledDelivery,
} from './port';
export { MemoryDeliveryQueue } from './memory-delivery-queue';
export { BullmqDeliveryQueue, type BullmqParts } from './bullmq/bullmq-delivery-queue';
export { openDeliveryQueue, type OpenQueueOptions } from './bullmq/open-delivery-queue';
export { DELIVERIES, VALIDATIONS } from './bullmq/queue-names';
export { connectRedis, type ConnectionTemper, type RedisClient } from './bullmq/redis-connection';
export { QUEUE_OPTIONS, type WorkerEvents } from './bullmq/watched-worker';
export { createValidationQueue, type ValidationQueue, type ValidationQueueOptions } from './validation-queue';
