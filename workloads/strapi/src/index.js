'use strict';
const crypto = require('crypto');

module.exports = {
  register() {},
  // An API token of full access with the value that the test was given. Routes without
  // authentication would not do: Strapi then refuses every relation in a body.
  async bootstrap({ strapi }) {
    const token = process.env.ISOBAR_TOKEN;
    if (!token) return;
    const salt = strapi.config.get('admin.apiToken.salt');
    const accessKey = crypto.createHmac('sha512', salt).update(token).digest('hex');
    const tokens = strapi.db.query('admin::api-token');
    if (await tokens.findOne({ where: { name: 'isobar' } })) return;
    await tokens.create({
      data: {
        name: 'isobar', description: 'isobar', type: 'full-access', accessKey, lifespan: null,
      },
    });
  },
};
