import { challengeAnswer, checkChallengeAnswer } from './challenge';

/** The example of the xroom manual, collection webhook. */
const KEY = '54ed8ea9722c38499ea8dbbeca19762e';
const SIGN_THIS = 'c9002b50c6911daa18854e1ec25d5b47';
const ANSWER = 'b31ecd741c86f3abe01d93ebceb19b73cc2595bb5f5f3d4ba8328b3c37e6698b';

it("computes the manual's example", () => {
  expect(challengeAnswer(KEY, SIGN_THIS)).toBe(ANSWER);
});

it.each([ANSWER, `${ANSWER}\n`, `  "${ANSWER}"\r\n`, ANSWER.toUpperCase()])('takes %j', (body) => {
  expect(checkChallengeAnswer(KEY, SIGN_THIS, body)).toBe(true);
});

it.each(['', '"', '""', ANSWER.slice(1), `${ANSWER}0`, `'${ANSWER}'`, `{"answer":"${ANSWER}"}`, SIGN_THIS, KEY])(
  'refuses %j',
  (body) => {
    expect(checkChallengeAnswer(KEY, SIGN_THIS, body)).toBe(false);
  },
);
