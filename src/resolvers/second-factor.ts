/** The second factor: turning it on and off, and checking it at sign-in. */
import { Arg, Ctx, Mutation, Resolver } from 'type-graphql';
import { type EntityManager, IsNull, LessThan, Not } from 'typeorm';
import { recordChange } from '../audit';
import { sha256 } from '../credentials';
import { CodedError } from '../errors';
import { matchingStep, newOneTimeSecret, newRecoveryCodes, normaliseRecoveryCode, oneTimeUri } from '../one-time-codes';
import { newId } from '../schema/node';
import {
  ConfirmSecondFactorInput,
  ConfirmSecondFactorPayload,
  DisableSecondFactorInput,
  DisableSecondFactorPayload,
  EnrolSecondFactorInput,
  EnrolSecondFactorPayload,
  RecoveryCode,
  SecondFactor,
} from '../schema/second-factor';
import type { Sealing } from '../sealing';
import { authorize } from '../tenancy';
import { announceAccountChange } from './account-notice';
import type { RequestContext } from './context';
import { provePassword } from './prove-password';

@Resolver()
export class SecondFactorResolver {
  @Mutation(() => EnrolSecondFactorPayload, {
    description: 'Makes a secret for an authenticator app; it counts from confirmSecondFactor on.',
  })
  async enrolSecondFactor(
    @Arg('input') { password }: EnrolSecondFactorInput,
    @Ctx() context: RequestContext,
  ): Promise<EnrolSecondFactorPayload> {
    const { personId, origin } = authorize(context.session, 'SECOND_FACTOR_WRITE');
    const { email } = await provePassword(context, personId, password, 'input.password');
    const secret = newOneTimeSecret();
    await context.tenancy.asPerson(personId, async (manager) => {
      await manager.delete(SecondFactor, { personId, confirmedAt: IsNull() });
      if (await manager.existsBy(SecondFactor, { personId })) {
        throw new CodedError('CONFLICT', 'There is a second factor already.', undefined, 'disableSecondFactor first.');
      }
      const sealedSecret = context.sealing.seal(secret, personId);
      await manager.insert(SecondFactor, { id: newId(), personId, sealedSecret });
      await recordChange(manager, { kind: 'person', personId, origin }, 'enrolSecondFactor');
    });
    return { secret, uri: oneTimeUri(secret, email) };
  }

  @Mutation(() => ConfirmSecondFactorPayload, { description: 'Turns the second factor on.' })
  async confirmSecondFactor(
    @Arg('input') { code }: ConfirmSecondFactorInput,
    @Ctx() context: RequestContext,
  ): Promise<ConfirmSecondFactorPayload> {
    const { personId, origin } = authorize(context.session, 'SECOND_FACTOR_WRITE');
    const recoveryCodes = newRecoveryCodes();
    await context.tenancy.asPerson(personId, async (manager) => {
      const factor = await manager.findOneBy(SecondFactor, { personId, confirmedAt: IsNull() });
      if (!factor) {
        throw new CodedError(
          'CONFLICT',
          'No second factor waits to be confirmed.',
          undefined,
          'enrolSecondFactor first.',
        );
      }
      const secret = context.sealing.open(factor.sealedSecret, personId);
      const lastStep = matchingStep(secret, code, Date.now());
      if (lastStep === undefined) {
        const remedy = 'Give the newest code of the app, and see that the clock of its device is right.';
        throw new CodedError('BAD_INPUT', 'The code is not one of the secret.', 'input.code', remedy);
      }
      await manager.update(SecondFactor, { id: factor.id }, { lastStep, confirmedAt: new Date() });
      await manager.delete(RecoveryCode, { personId });
      const rows = recoveryCodes.map((each) => ({ id: newId(), personId, codeSha256: recoveryDigest(each) }));
      await manager.insert(RecoveryCode, rows);
      await recordChange(manager, { kind: 'person', personId, origin }, 'confirmSecondFactor');
      await announceAccountChange(manager, personId, 'SECOND_FACTOR_ON');
    });
    return { recoveryCodes };
  }

  @Mutation(() => DisableSecondFactorPayload, { description: 'Turns the second factor off.' })
  async disableSecondFactor(
    @Arg('input') { password }: DisableSecondFactorInput,
    @Ctx() context: RequestContext,
  ): Promise<DisableSecondFactorPayload> {
    const { personId, origin } = authorize(context.session, 'SECOND_FACTOR_WRITE');
    await provePassword(context, personId, password, 'input.password');
    const disabled = await context.tenancy.asPerson(personId, async (manager) => {
      const { affected } = await manager.delete(SecondFactor, { personId });
      await manager.delete(RecoveryCode, { personId });
      await recordChange(manager, { kind: 'person', personId, origin }, 'disableSecondFactor');
      if (affected) await announceAccountChange(manager, personId, 'SECOND_FACTOR_OFF');
      return Boolean(affected);
    });
    return { disabled };
  }
}

function recoveryDigest(code: string): string {
  return sha256(normaliseRecoveryCode(code));
}

/**
 * Takes the code of a person who has turned the second factor on, once; in a transaction that sees the person.
 * @throws UNAUTHENTICATED if it is missing, wrong or was taken before
 */
export async function checkSecondFactor(
  manager: EntityManager,
  sealing: Sealing,
  personId: string,
  code: string | undefined,
): Promise<void> {
  const factor = await manager.findOneBy(SecondFactor, { personId, confirmedAt: Not(IsNull()) });
  if (!factor) return;
  const where = 'input.code';
  if (code === undefined) {
    const remedy = 'Give the six digits that the authenticator app shows, or a recovery code.';
    throw new CodedError('UNAUTHENTICATED', 'This account needs a code too.', where, remedy);
  }
  const secret = sealing.open(factor.sealedSecret, personId);
  const step = matchingStep(secret, code.trim(), Date.now());
  const { affected } =
    step === undefined
      ? await manager.update(
          RecoveryCode,
          { personId, codeSha256: recoveryDigest(code), usedAt: IsNull() },
          { usedAt: new Date() },
        )
      : await manager.update(
          SecondFactor,
          [
            { id: factor.id, lastStep: IsNull() },
            { id: factor.id, lastStep: LessThan(step) },
          ],
          // Sealed anew, so that a new key takes over.
          { lastStep: step, sealedSecret: sealing.seal(secret, personId) },
        );
  if (affected) return;
  const remedy = 'Give the newest code, each once; or a recovery code.';
  throw new CodedError('UNAUTHENTICATED', 'The code is wrong or was used before.', where, remedy);
}
