// Headless: without an admin panel there is nothing to build. The secrets guard nothing: the nodes
// live as long as a test.
module.exports = ({ env }) => ({
  serveAdminPanel: false,
  autoOpen: false,
  auth: { secret: env('ADMIN_JWT_SECRET', 'isobar-admin-secret') },
  apiToken: { salt: env('API_TOKEN_SALT', 'isobar-api-salt') },
  transfer: { token: { salt: env('TRANSFER_TOKEN_SALT', 'isobar-transfer-salt') } },
  secrets: { encryptionKey: env('ENCRYPTION_KEY', '0123456789abcdef0123456789abcdef') },
  flags: { nps: false, promoteEE: false },
});
