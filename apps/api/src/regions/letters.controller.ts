import { Controller, HttpCode, Inject, Param, Post, Req } from '@nestjs/common';
import { type Clock, type DomainName, parseDomainName } from '@parley/domain';
import type { Moving, Owners } from '@parley/persistence';
import { RegionLetters } from '@parley/server-kit';
import type { FastifyRequest } from 'fastify';
import type { z } from 'zod';
import { refusing } from '../admin/refusals';
import { HttpRefusal, InvalidInput } from '../http/problems';
import { bodyOf, pathOf } from '../http/raw-request';
import { accountLetterSchema, type MoveLetter, moveLetterSchema, ownedSchema, ownerLetterSchema } from './letters';
import { LETTER_CLOCK, MOVING, OWNERS } from './tokens';

/**
 * What other regions write to this one. A letter proves by itself who wrote it, to which path and when; to anybody else
 * there is nothing here.
 */
@Controller('internal')
export class LettersController {
  constructor(
    @Inject(MOVING) private readonly moving: Moving,
    @Inject(OWNERS) private readonly owners: Owners,
    @Inject(LETTER_CLOCK) private readonly clock: Clock,
    private readonly letters: RegionLetters,
  ) {}

  @Post('accounts/:authId')
  @HttpCode(200)
  async account(@Req() request: FastifyRequest, @Param('authId') authId: string) {
    const copy = this.read(request, accountLetterSchema);
    if (copy.authId !== authId) throw new InvalidInput('The letter is about another account.');
    return { answer: await refusing(this.moving.accounts.accept(copy)) };
  }

  /** Whose something is that was named by its id alone: other regions pass nothing on that is strictly resident here. */
  @Post('owners/:kind/:id')
  @HttpCode(200)
  async owner(@Req() request: FastifyRequest, @Param() params: unknown) {
    this.read(request, ownerLetterSchema);
    const owned = ownedSchema.safeParse(params);
    return { answer: owned.success ? await this.owners.ownerOf(owned.data.kind, owned.data.id) : null };
  }

  @Post('moves/:domain')
  @HttpCode(200)
  async move(@Req() request: FastifyRequest, @Param('domain') text: string) {
    const letter = this.read(request, moveLetterSchema);
    const domain = parseDomainName(text);
    if (!domain.ok) throw new InvalidInput('This is no domain.');
    return { answer: (await refusing(this.arrive(domain.value, letter))) ?? null };
  }

  private async arrive(domain: DomainName, letter: MoveLetter): Promise<unknown> {
    const { arrivals } = this.moving;
    switch (letter.act) {
      case 'conflicts':
        return arrivals.conflicts(domain, letter.ids);
      case 'prepare':
        return arrivals.prepare(domain, letter.row, new Date(letter.asOf));
      case 'put':
        return arrivals.put(domain, letter.table, letter.rows, new Date(letter.asOf));
      case 'counts':
        return arrivals.counts(domain);
      case 'activate':
        return arrivals.activate(domain, letter.epoch);
      case 'abandon':
        return arrivals.abandon(domain, new Date(letter.asOf));
    }
  }

  private read<Schema extends z.ZodType>(request: FastifyRequest, schema: Schema): z.infer<Schema> {
    const letter = this.letters.open(pathOf(request), bodyOf(request), this.clock.now());
    if (letter === undefined) throw new HttpRefusal('not_found', 'There is nothing at this address.');
    const parsed = schema.safeParse(letter.body);
    if (!parsed.success) throw new InvalidInput('The letter has another form: do both regions run the same release?');
    return parsed.data;
  }
}
