-- What finds one record among millions at once; made last, as every change would have to keep it up.
CREATE INDEX versions_by_identifier ON versions (identifier);
