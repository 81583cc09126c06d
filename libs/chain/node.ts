/**
 * What of the chain library needs Node: the wallet's key file.
 *
 * @module
 */
export { parseWalletSecret, type WalletAccount, walletFile, type WalletFile, type WalletFileOptions } from './keystore.ts'
