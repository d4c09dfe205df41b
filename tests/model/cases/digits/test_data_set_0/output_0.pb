
BprobabilitiesJ(u‚?¤‡ÿ4¨í‰6	Ù2UuÎ3Xµ:‹®¯:Â¢74úv^7Ps­5