'use strict';

const options = { responsive: true, displaylogo: false, modeBarButtonsToRemove: ['select2d', 'lasso2d'] };

// Most figures are out of sight: each shows its picture until it comes near, so that those in sight are drawn at once.
function drawWhenNear(figures) {
  if (!('IntersectionObserver' in window)) {
    figures.forEach(drawChart);
    return;
  }
  const observer = new IntersectionObserver((entries) => entries.filter((one) => one.isIntersecting).forEach((one) => {
    observer.unobserve(one.target);
    drawChart(one.target);
  }), { rootMargin: '300px' });
  figures.forEach((figure) => observer.observe(figure));
}

function drawChart(figure) {
  const { data, layout, minWidth } = JSON.parse(figure.querySelector('script').textContent);
  const chart = figure.querySelector('.chart');
  figure.classList.add('drawn');
  chart.style.minWidth = `${minWidth}px`;
  Plotly.newPlot(chart, data, layout, options);
  figure.querySelectorAll('[data-layer]').forEach((button) =>
    button.addEventListener('click', () => showLayer(figure, Number(button.dataset.layer))));
}

function showLayer(figure, index) {
  const buttons = [...figure.querySelectorAll('[data-layer]')];
  buttons.forEach((button, i) => button.setAttribute('aria-pressed', String(i === index)));
  Plotly.restyle(figure.querySelector('.chart'), { visible: buttons.map((_, i) => i === index) });
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
document.querySelectorAll('.pair').forEach((pair) => {
  const cut = (event) => pair.querySelector('.compare').style.setProperty('--cut', `${event.target.value}%`);
  pair.querySelector('input').addEventListener('input', cut);
});
document.addEventListener('DOMContentLoaded', () => drawWhenNear([...document.querySelectorAll('figure[id]')]));
