'use strict';
const UID = 'api::account.account';

// POST /api/accounts/transfer { data: { from, to, amount, mode } }
//   naive:  what one writes at first: Document Service calls in one transaction
//   locked: the same, but the two rows are locked first, in the order of their names
module.exports = require('@strapi/strapi').factories.createCoreController(UID, ({ strapi }) => ({
  async transfer(ctx) {
    const { from, to, amount, mode } = ctx.request.body.data;
    const accounts = strapi.documents(UID);
    const refused = await strapi.db.transaction(async ({ trx }) => {
      if (mode === 'locked') {
        await trx('accounts').whereIn('name', [from, to]).orderBy('name').forUpdate().select('id');
      }
      const giver = await accounts.findFirst({ filters: { name: from } });
      const taker = await accounts.findFirst({ filters: { name: to } });
      if (!giver || !taker) return 'there is no such account';
      if (giver.balance < amount) return 'the balance is too low';
      const { documentId } = giver;
      await accounts.update({ documentId, data: { balance: giver.balance - amount } });
      await accounts.update({
        documentId: taker.documentId, data: { balance: taker.balance + amount },
      });
      return null;
    });
    // Nothing was written.
    if (refused) return ctx.badRequest(refused);
    ctx.body = { data: { from, to, amount } };
  },
}));
