EXTRA_DIST += completions/medianest
completionsdir = $(datadir)/bash-completion/completions
install-data-hook:
	$(MKDIR_P) "$(DESTDIR)$(completionsdir)"
	$(INSTALL_DATA) "$(srcdir)/completions/medianest" \
		"$(DESTDIR)$(completionsdir)/medianest-admin"
	ln -sf medianest-admin "$(DESTDIR)$(completionsdir)/medianest-sync"
uninstall-hook:
	rm -f "$(DESTDIR)$(completionsdir)/medianest-admin" \
		"$(DESTDIR)$(completionsdir)/medianest-sync"
