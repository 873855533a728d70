'use strict';

// ast: expressions are interpreted, which the page's security policy allows; it forbids code made from text.
const options = { ast: true, actions: false, renderer: 'svg', defaultStyle: false };

// Most figures are out of sight: each shows its picture until it comes near, so that those in sight are drawn at once.
function drawWhenNear(figures) {
  if (!('IntersectionObserver' in window)) {
    figures.forEach((figure) => draw(figure, 0));
    return;
  }
  const observer = new IntersectionObserver((entries) => entries.filter((one) => one.isIntersecting).forEach((one) => {
    observer.unobserve(one.target);
    draw(one.target, 0);
  }), { rootMargin: '300px' });
  figures.forEach((figure) => observer.observe(figure));
}

async function draw(figure, index) {
  const view = figure.querySelectorAll('.view')[index];
  const description = JSON.parse(figure.querySelector('script').textContent)[index];
  view.classList.add('drawn');
  await vegaEmbed(view.querySelector('.chart'), { ...description, width: 'container' }, options);
  figure.classList.add('drawn');
}

function show(figure, index) {
  const pressed = (_, i) => String(i === index);
  [...figure.querySelectorAll('[data-view]')].forEach((one, i) => one.setAttribute('aria-pressed', pressed(one, i)));
  [...figure.querySelectorAll('.view')].forEach((one, i) => { one.dataset.shown = pressed(one, i); });
  if (!figure.querySelectorAll('.view')[index].matches('.drawn')) draw(figure, index);
}

function compare(first, second, numeric) {
  if (!numeric) return first.localeCompare(second);
  const [a, b] = [Number(first), Number(second)].map((value) => (Number.isNaN(value) ? -1 : value));
  return a - b;
}

function sortBy(header) {
  const table = header.closest('table');
  const column = [...header.parentNode.children].indexOf(header);
  const numeric = 'numeric' in header.dataset;
  const previous = header.getAttribute('aria-sort');
  const order = previous ? (previous === 'ascending' ? 'descending' : 'ascending') : (numeric ? 'descending' : 'ascending');
  table.querySelectorAll('th').forEach((one) => one.removeAttribute('aria-sort'));
  header.setAttribute('aria-sort', order);
  const value = (row) => row.children[column].dataset.value;
  const rows = [...table.tBodies[0].rows].sort((a, b) => compare(value(a), value(b), numeric));
  table.tBodies[0].append(...(order === 'ascending' ? rows : rows.reverse()));
}

document.querySelectorAll('.sortable th').forEach((header) =>
  header.querySelector('button').addEventListener('click', () => sortBy(header)));
document.querySelectorAll('[data-view]').forEach((button) =>
  button.addEventListener('click', () => show(button.closest('figure'), Number(button.dataset.view))));
document.querySelectorAll('.pair').forEach((pair) => {
  const cut = (event) => pair.querySelector('.compare').style.setProperty('--cut', `${event.target.value}%`);
  pair.querySelector('input').addEventListener('input', cut);
});
drawWhenNear([...document.querySelectorAll('figure[id]')]);
