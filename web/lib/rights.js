/* Roles, tiers and permissions in words. */
export const PERMISSIONS = {
	'media.read': 'View media', 'media.upload': 'Upload', 'media.delete': 'Delete',
	'media.manage_all': 'Manage everyone’s media', 'profile.view': 'View own profile',
	'profile.edit': 'Edit own profile', 'users.manage': 'Manage people',
	'system.settings': 'Change settings and roles', 'integrations.view': 'View integrations',
	'integrations.configure': 'Set up integrations', 'webhooks.manage': 'Manage webhooks',
};
export const ROLES = { guest: 'Guest', user: 'User', admin: 'Admin', super: 'Super admin' };
export const TIERS = { standard: 'Standard', premium: 'Premium' };
export const STATES = { active: 'Active', disabled: 'Disabled' };
