// The login page. Without this script it is a plain form that works; with it, what is wrong is said beside the field.
import { takeNote } from './session.js';

const form = document.getElementById('login');
const token = document.getElementById('token');
const problem = document.getElementById('problem');
const submit = document.getElementById('submit');
let countdown;

document.getElementById('host').textContent = `Dashboard of the broker at ${location.host}`;

function say(words) {
  problem.textContent = words;
  token.setAttribute('aria-invalid', String(words !== ''));
}

/// Nobody can sign in before. The seconds count down in the button, where no screen reader reads each of them.
function waitFor(seconds) {
  clearInterval(countdown);
  let left = Math.max(1, Math.ceil(seconds));
  say(`Too many wrong tokens came from your address. Try again in ${left} s.`);
  const show = () => {
    submit.disabled = left > 0;
    submit.textContent = left > 0 ? `Wait ${left} s` : 'Sign in';
    if (left-- > 0) return;
    clearInterval(countdown);
    say('');
  };
  show();
  countdown = setInterval(show, 1000);
}

async function signIn() {
  const response = await fetch('/login', {
    method: 'POST',
    body: new URLSearchParams({ token: token.value }),
    redirect: 'manual',
    cache: 'no-store',
  });
  if (response.ok || response.type === 'opaqueredirect') {
    location.replace('/');
    return;
  }
  if (response.status === 429) {
    waitFor(Number(response.headers.get('Retry-After')) || 60);
    return;
  }
  const wrong = response.status === 401 || response.status === 403;
  say(wrong ? 'This is not the token of this broker.' : `The broker could not sign you in (status ${response.status}). Try again.`);
  token.select();
  token.focus();
}

form.addEventListener('submit', async (event) => {
  event.preventDefault();
  submit.disabled = true;
  submit.textContent = 'Signing in…';
  try {
    say('');
    await signIn();
  } catch {
    say(`Nothing answers at ${location.host}. Is the broker running?`);
    token.focus();
  } finally {
    if (!submit.textContent.startsWith('Wait')) {
      submit.disabled = false;
      submit.textContent = 'Sign in';
    }
  }
});

const note = takeNote();
if (note) say(note);
