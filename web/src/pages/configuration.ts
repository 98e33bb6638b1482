/** The pages that edit an environment file, loaded together. */
import '../styles/configuration.css';

export { EnvironmentSettingsPage } from '../configuration/environment-settings';
export { FilePage } from '../configuration/file-page';
export { NewPage } from '../configuration/new-page';
export { ProjectPage } from '../configuration/project-page';
export { ServicePage } from '../configuration/service-page';
export { VariablesPage } from '../configuration/variables-page';
