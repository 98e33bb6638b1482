/** The pages about the server itself, loaded together. */
import '../styles/configuration.css';

export { SettingsPage } from '../configuration/settings-page';
export { TargetsPage } from '../configuration/targets-page';
