// Evidence from files: dropped in or chosen, checked here, sent nowhere.
import type { App } from '../../app';
import { message } from '../../chain/node';
import { verifyEvidence } from '../../verify/evidence';
import { fresh, h } from '../dom';
import { link, longId, number } from '../text';
import { checkList, timeline, verdict } from '../parts';

/** The largest file that is read, in bytes. */
const MOST = 16 * 1024 * 1024;

export function evidence(app: App): Node[] {
  return [
    h('h1', { tabindex: -1 }, 'Evidence'),
    h(
      'p',
      {},
      'Documents that stay with the institutions: users’ requests, co-signatures given voucher by voucher, refusals, attestations. Save what an institution has of a payment, and drop the file in: ',
      h('code', {}, 'quittance status VOUCHER --json > payment.json'),
      ', or the answer of ',
      h('code', {}, 'GET /v1/payments/VOUCHER'),
      '. The evidence of a credit node’s limit is recomputed: ',
      h('code', {}, 'quittance credit evidence DIGEST > evidence.json'),
      '. Any other document, such as what a dispute was opened with, is checked against the digests on the chain. The file stays in this browser.',
    ),
    evidenceDrop(app),
    ...app.evidence.flatMap((file) => [
      h('h2', { tabindex: -1 }, file.name),
      ...(file.digest ? [checkList([file.digest])] : []),
      ...(file.score ? [h('h3', {}, 'Credit limit, evidence ', longId(file.score.id)), verdict(file.score.steps), timeline(app, file.score.steps)] : []),
      ...file.payments.flatMap((payment) => [
        h('h3', {}, 'Payment ', link(`/payment/${payment.id}`, longId(payment.id))),
        verdict(payment.steps),
        timeline(app, payment.steps),
      ]),
    ]),
  ];
}

export function evidenceDrop(app: App): HTMLElement {
  const input = h('input', { type: 'file', id: fresh('file'), class: 'file', multiple: true });
  const problem = h('p', { class: 'error', role: 'alert' });
  const area = h(
    'div',
    { class: 'drop' },
    h('label', { for: input.id }, h('strong', {}, 'Check evidence'), h('span', {}, 'Choose a file, or drop it here')),
    input,
    problem,
  );
  const take = async (files: FileList | null | undefined): Promise<void> => {
    problem.replaceChildren();
    try {
      for (const file of files ?? []) {
        if (file.size > MOST) {
          throw new Error(`${file.name} is larger than ${number(MOST)} bytes: that is no evidence`);
        }
        const found = await verifyEvidence(app, file.name, new Uint8Array(await file.arrayBuffer()));
        app.evidence.unshift(found);
      }
      if (location.hash === '#/evidence') {
        app.changed();
      } else {
        location.hash = '#/evidence';
      }
      // Once the page shows it.
      setTimeout(() => {
        const result = document.querySelector<HTMLElement>('main h2');
        result?.scrollIntoView({ block: 'start' });
        result?.focus({ preventScroll: true });
      });
    } catch (error) {
      problem.append(message(error));
    }
  };
  input.addEventListener('change', () => void take(input.files));
  area.addEventListener('dragover', (event) => {
    event.preventDefault();
    area.classList.add('over');
  });
  area.addEventListener('dragleave', () => area.classList.remove('over'));
  area.addEventListener('drop', (event) => {
    event.preventDefault();
    area.classList.remove('over');
    void take(event.dataTransfer?.files);
  });
  return area;
}
