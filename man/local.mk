dist_man_MANS += man/medianest-api.7
