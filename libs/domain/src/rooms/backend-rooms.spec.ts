import { backendRoomName, backendRoomToken, isBackendRoomName } from './backend-rooms';

const first = { id: 'one', scopesRooms: false };
const second = { id: 'two', scopesRooms: true };

it('rooms of two backends of one domain never have the same name', () => {
  expect(backendRoomName(first, 'abc')).toBe('abc');
  expect(backendRoomName(second, 'abc')).toBe('abc@two');
  expect(backendRoomName(first, 'abc@two')).toBe('abc@two@one');
  expect(backendRoomName(second, 'abc@two')).toBe('abc@two@two');
});

it.each([first, second])('a name leads back to the token', (backend) => {
  for (const token of ['abc', 'abc@two', 'a@one', '123']) {
    const name = backendRoomName(backend, token) ?? '';
    expect(backendRoomToken(backend, name)).toBe(token);
    expect([first, second].filter((one) => isBackendRoomName(one, name))).toEqual([backend]);
  }
});

it('what is no room name is none', () => {
  expect(backendRoomName(first, 'a/b')).toBeUndefined();
  expect(backendRoomName(first, '')).toBeUndefined();
});
