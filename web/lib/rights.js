/* Roles, tiers and permissions in words. */
export const PERMISSIONS = {
	'media.read': 'See media', 'media.upload': 'Upload', 'media.delete': 'Delete', 'media.manage_all': 'Manage everybody’s media', 'profile.view': 'See the own profile',
	'profile.edit': 'Change the own profile', 'users.manage': 'Manage people', 'system.settings': 'Change settings and roles', 'integrations.view': 'See integrations',
	'integrations.configure': 'Set up integrations', 'webhooks.manage': 'Manage webhooks',
};
export const ROLES = { guest: 'Guest', user: 'User', admin: 'Admin', super: 'Super admin' };
export const TIERS = { standard: 'Standard', premium: 'Premium' };
export const STATES = { active: 'Active', disabled: 'Disabled' };
