import { render } from 'preact';
import { App } from './app';
import './styles/tokens.css';
import './styles/base.css';
import './styles/components.css';

const page = document.getElementById('page');
if (page !== null) render(<App />, page);
