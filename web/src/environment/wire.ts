/** The types of the wire that an environment's pages use, by the names that the document of the API gives them. */
import type { Wire } from '../api/client';

export type State = Wire<'State'>;
export type RunningStatus = Wire<'RunningStatus'>;
export type Action = Wire<'Action'>;
export type Approval = Wire<'Approval'>;
export type Activity = Wire<'Activity'>;
export type EnvironmentServiceView = Wire<'EnvironmentServiceView'>;
export type EnvironmentView = Wire<'EnvironmentView'>;
export type PipelineServiceView = Wire<'PipelineServiceView'>;
export type PipelineStageView = Wire<'PipelineStageView'>;
export type BoardServiceView = Wire<'BoardServiceView'>;
export type EditedView = Wire<'EditedView'>;
export type ServiceView = Wire<'ServiceView'>;
export type StageView = Wire<'StageView'>;
export type DeploymentView = Wire<'DeploymentView'>;
export type RunningServiceView = Wire<'RunningServiceView'>;
export type RunningChange = Wire<'RunningChange'>;
export type DeployBody = Wire<'DeployBody'>;

export type EnvironmentStateView = Wire<'EnvironmentStateView'>;
export type OverviewView = Wire<'OverviewView'>;

/** A deployment as lists and streams tell it; the list of all environments does not say who asked. */
export type DeploymentHead = Wire<'HeadView'> & Partial<Wire<'DeploymentHeadView'>>;
