'use strict';
module.exports = {
  routes: [{ method: 'POST', path: '/accounts/transfer', handler: 'account.transfer' }],
};
