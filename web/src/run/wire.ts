/** The types of the wire that a run is made of, by the names they have on its pages. */
import type { Wire } from '../api/client';

export type State = Wire<'State'>;
export type Phase = Wire<'Phase'>;
export type Failure = Wire<'Failure'>;
export type Head = Wire<'HeadView'>;
export type Service = Wire<'ServiceView'>;
export type Approval = Wire<'ApprovalView'>;
export type Deployment = Wire<'DeploymentView'>;
export type PastDeployment = Wire<'HistoryView'>;
export type VersionChange = Wire<'VersionChangeView'>;
export type DeployBody = Wire<'DeployBody'>;
export type Plan = Wire<'PlanView'>;
export type PlanService = Wire<'PlanServiceView'>;
export type PlanStep = Wire<'PlanStepView'>;
export type LogLine = Wire<'LogLineView'>;
export type PodLine = Wire<'PodLineView'>;
export type Piece = Wire<'PieceView'>;
export type Explanation = Wire<'ExplanationView'>;
export type ExplainedService = Wire<'ServiceExplanationView'>;

/** The build or the release of a service: a build has a key, a release a revision. */
export type Step = Omit<Wire<'BuildView'>, 'key'> & { key?: string; revision?: number };
