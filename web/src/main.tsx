import { render } from 'preact';
import { App } from './app';
import { applyTheme } from './configuration/theme';
import './styles/tokens.css';
import './styles/base.css';
import './styles/components.css';

applyTheme();
const page = document.getElementById('page');
if (page !== null) render(<App />, page);
