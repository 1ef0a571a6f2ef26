/** What a tenant app imports from `offpeak/client`. */
export { cancelJob, type CancelInput, type CancelOptions } from "./cancel-job.ts";
export { isFresh, isWithin } from "./freshness.ts";
export { type QueueUrls, queueUrlsFromOutputs } from "./queue-urls.ts";
export { readResults, type ReadItem, type ReadOptions, type ResultMessage } from "./read-results.ts";
export {
  type IndexManifest,
  type IndexOptions,
  KnowledgeIndex,
  type SearchHit,
  type SearchOptions,
  type SearchResult,
  type VectorsOptions,
} from "./search-index.ts";
export { type JobInput, submitJobs, type SubmitOptions, type SubmitOutcome } from "./submit-jobs.ts";
