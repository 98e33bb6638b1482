/** What the API says of an environment. */

export type State = 'queued' | 'running' | 'succeeded' | 'failed' | 'skipped' | 'canceling' | 'canceled';
export type RunningStatus = 'stopped' | 'starting' | 'running' | 'warning' | 'error' | 'stopping' | 'completed';
export type Action = 'deploy' | 'stop' | 'restart' | 'delete' | 'rollback';
export type Approval = 'required' | 'none';
export type Activity = 'fetching' | 'building' | 'pushing' | 'mirroring' | 'releasing' | 'waiting';

export interface HeadView {
  id: string;
  number: number;
  project: string;
  environment: string;
  target: string;
  action: Action;
  state: State;
  acceptedAt: string;
  finishedAt?: string;
}

export interface TriggerView {
  source: string;
  actor: string;
}

/** A deployment as a history lists it. */
export interface DeploymentHead extends HeadView {
  trigger?: TriggerView;
  startedAt?: string;
}

export interface EnvironmentServiceView {
  name: string;
  kind: string;
  stage: string;
  skipped: boolean;
  urls?: string[];
}

export interface EnvironmentView {
  project: string;
  name: string;
  mode: string;
  target?: string;
  version: number;
  services: EnvironmentServiceView[];
  lastDeployment?: DeploymentHead;
}

export interface PipelineServiceView {
  name: string;
  kind: string;
  skipped: boolean;
}

export interface PipelineStageView {
  order: number;
  name: string;
  description: string;
  defaultFor?: string | null;
  approval: Approval;
  services: PipelineServiceView[];
}

export interface EditedView {
  project: string;
  name: string;
  version: number;
  changes: string[];
  stages: PipelineStageView[];
}

/** An environment with its stages, as its stream of events tells it. */
export interface EnvironmentStateView extends EnvironmentView {
  stages: PipelineStageView[];
}

/** An environment in the list of all. */
export interface OverviewView {
  project: string;
  name: string;
  mode: string;
  target?: string;
  services: number;
  lastDeployment?: DeploymentHead;
  running?: RunningStatus;
}

export type StagePosition = 'first' | 'last' | { before: string } | { after: string };

export interface Failure {
  code: string;
  message: string;
  hint?: string;
}

export interface StepView {
  state: State;
  startedAt?: string;
  endedAt?: string;
  reason?: string;
  explanation?: string;
  failure?: Failure;
}

export interface ServiceView {
  name: string;
  stage: number;
  kind: string;
  version: string;
  state: State;
  phase?: Activity;
  build?: StepView;
  release: StepView;
}

export interface ApprovalView {
  state: 'required' | 'awaited' | 'approved' | 'refused';
  actor?: string;
}

export interface StageView {
  order: number;
  name: string;
  state: State;
  approval?: ApprovalView;
  services: ServiceView[];
}

export interface DeploymentView extends DeploymentHead {
  trigger: TriggerView;
  outcome?: State;
  stages: StageView[];
}

export interface RunningServiceView {
  name: string;
  status: RunningStatus;
  reason?: string;
  ready: number;
  wanted: number;
  restarts: number;
}

export interface RunningChange {
  status: RunningStatus;
  services: RunningServiceView[];
}

export interface DeployBody {
  action?: Action;
  services?: { name: string; version?: string }[];
  current?: boolean;
  rebuild?: boolean;
}
