/** The types of the wire that a run is made of. */

/** The state of a deployment, a stage, a service or a step. */
export type State = 'queued' | 'running' | 'succeeded' | 'failed' | 'skipped' | 'canceling' | 'canceled';

/** The two steps of a service. */
export type Phase = 'build' | 'release';

/** What a running step is doing right now. */
export type Activity = 'fetching' | 'building' | 'pushing' | 'mirroring' | 'releasing' | 'waiting';

/** How something failed. */
export interface Failure {
  kind: string;
  code: string;
  message: string;
  hint?: string;
  lastLines?: string[];
}

/** Who asked, and by which way. */
export interface Trigger {
  source: string;
  actor: string;
}

/** A deployment as every list has it. */
export interface Head {
  id: string;
  number: number;
  project: string;
  environment: string;
  target: string;
  action: string;
  state: State;
  acceptedAt: string;
  finishedAt?: string;
}

/** The build or the release of a service. */
export interface Step {
  state: State;
  startedAt?: string;
  endedAt?: string;
  reason?: string;
  explanation?: string;
  failure?: Failure;
  image?: string;
  key?: string;
  revision?: number;
}

/** A service in a deployment. */
export interface Service {
  name: string;
  stage: number;
  kind: string;
  version: string;
  state: State;
  phase?: Activity;
  build?: Step;
  release: Step;
}

/** The approval of a stage. */
export interface Approval {
  state: 'required' | 'awaited' | 'approved' | 'refused';
  actor?: string;
  at?: string;
}

/** A stage in a deployment. */
export interface Stage {
  order: number;
  name: string;
  state: State;
  approval?: Approval;
  services: Service[];
}

/** A deployment with its stages and services. */
export interface Deployment extends Head {
  outcome?: State;
  trigger: Trigger;
  merged?: { trigger: Trigger; at: string }[];
  startedAt?: string;
  stages: Stage[];
}

/** A deployment in a history. */
export interface PastDeployment extends Head {
  trigger: Trigger;
  startedAt?: string;
  changes: VersionChange[];
}

/** A version that changed. */
export interface VersionChange {
  service: string;
  from?: string;
  to: string;
}

/** What is asked of an environment. */
export interface DeployBody {
  action?: string;
  services?: { name: string; version?: string }[];
  current?: boolean;
  rebuild?: boolean;
  deleteVolumes?: boolean;
  runJobs?: boolean;
  backTo?: number;
}

/** What a deployment would do. */
export interface Plan {
  project: string;
  environment: string;
  action: string;
  stages: { order: number; name: string; services: PlanService[] }[];
}

/** A service of a plan. */
export interface PlanService {
  name: string;
  kind: string;
  version: string;
  steps: PlanStep[];
}

/** A step of a plan. */
export interface PlanStep {
  phase: Phase;
  does: string;
  reason: string;
  failure?: Failure;
  bases?: { image: string; builtOn: string; state: string; now?: string; failure?: Failure }[];
}

/** One line of a deployment's log. */
export interface LogLine {
  number: number;
  at: string;
  service: string;
  phase: Phase;
  text: string;
}

/** Lines of a deployment's log, in order. */
export interface LogPage {
  items: LogLine[];
  nextCursor?: string;
}

/** A stretch of time in which one thing went on. */
export interface Piece {
  from: string;
  to: string;
  milliseconds: number;
  doing: string;
  text: string;
  attempt?: number;
  waitedFor?: { service: string; phase: Phase };
  behind?: number;
}

/** A deployment, explained. */
export interface Explanation extends Head {
  trigger: Trigger;
  until: string;
  queued: Piece;
  stages: ExplainedStage[];
  criticalPath: (Piece & { step?: { service: string; phase: Phase } })[];
}

/** A stage, explained. */
export interface ExplainedStage {
  order: number;
  name: string;
  state: State;
  beganAt?: string;
  endedAt?: string;
  services: ExplainedService[];
}

/** A service, explained. */
export interface ExplainedService {
  name: string;
  version: string;
  state: State;
  steps: ExplainedStep[];
}

/** A step, explained. */
export interface ExplainedStep {
  phase: Phase;
  state: State;
  pieces: Piece[];
  reason?: string;
  explanation?: string;
  failure?: Failure;
  canceledBy?: string;
  revision?: number;
}
