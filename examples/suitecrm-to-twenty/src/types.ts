// Written by `changeover introspect`. Do not edit: run it again when a table has changed.
import type { Text } from '@changeover/mapping';

/** Tables of the old database: what their columns hold. */
export type Source = {
  'public.accounts': {
    row: {
      /** character varying(36) */
      id: string;
      /** character varying(150) */
      name: string | null;
      /** text */
      date_entered: string | null;
      /** text */
      date_modified: string | null;
      /** character varying(36) */
      modified_user_id: string | null;
      /** character varying(36) */
      created_by: string | null;
      /** text */
      description: string | null;
      /** smallint */
      deleted: `${number}` | null;
      /** character varying(36) */
      assigned_user_id: string | null;
      /** character varying(50) */
      account_type: string | null;
      /** character varying(50) */
      industry: string | null;
      /** character varying(100) */
      annual_revenue: string | null;
      /** character varying(100) */
      phone_fax: string | null;
      /** character varying(150) */
      billing_address_street: string | null;
      /** character varying(100) */
      billing_address_city: string | null;
      /** character varying(100) */
      billing_address_state: string | null;
      /** character varying(20) */
      billing_address_postalcode: string | null;
      /** character varying(255) */
      billing_address_country: string | null;
      /** character varying(100) */
      rating: string | null;
      /** character varying(100) */
      phone_office: string | null;
      /** character varying(100) */
      phone_alternate: string | null;
      /** character varying(255) */
      website: string | null;
      /** character varying(100) */
      ownership: string | null;
      /** character varying(10) */
      employees: string | null;
      /** character varying(10) */
      ticker_symbol: string | null;
      /** character varying(150) */
      shipping_address_street: string | null;
      /** character varying(100) */
      shipping_address_city: string | null;
      /** character varying(100) */
      shipping_address_state: string | null;
      /** character varying(20) */
      shipping_address_postalcode: string | null;
      /** character varying(255) */
      shipping_address_country: string | null;
      /** character varying(36) */
      parent_id: string | null;
      /** character varying(10) */
      sic_code: string | null;
      /** character varying(36) */
      campaign_id: string | null;
    };
    key: ['id'];
    unique: never;
  };
  'public.accounts_contacts': {
    row: {
      /** character varying(36) */
      id: string;
      /** character varying(36) */
      contact_id: string | null;
      /** character varying(36) */
      account_id: string | null;
      /** text */
      date_modified: string | null;
      /** smallint */
      deleted: `${number}` | null;
    };
    key: ['id'];
    unique: never;
  };
  'public.accounts_opportunities': {
    row: {
      /** character varying(36) */
      id: string;
      /** character varying(36) */
      opportunity_id: string | null;
      /** character varying(36) */
      account_id: string | null;
      /** text */
      date_modified: string | null;
      /** smallint */
      deleted: `${number}` | null;
    };
    key: ['id'];
    unique: never;
  };
  'public.calls': {
    row: {
      /** character varying(36) */
      id: string;
      /** character varying(50) */
      name: string | null;
      /** text */
      date_entered: string | null;
      /** text */
      date_modified: string | null;
      /** character varying(36) */
      modified_user_id: string | null;
      /** character varying(36) */
      created_by: string | null;
      /** text */
      description: string | null;
      /** smallint */
      deleted: `${number}` | null;
      /** character varying(36) */
      assigned_user_id: string | null;
      /** integer */
      duration_hours: `${number}` | null;
      /** integer */
      duration_minutes: `${number}` | null;
      /** text */
      date_start: string | null;
      /** text */
      date_end: string | null;
      /** character varying(255) */
      parent_type: string | null;
      /** character varying(100) */
      status: string | null;
      /** character varying(100) */
      direction: string | null;
      /** character varying(36) */
      parent_id: string | null;
      /** integer */
      reminder_time: `${number}` | null;
      /** integer */
      email_reminder_time: `${number}` | null;
      /** smallint */
      email_reminder_sent: `${number}` | null;
      /** character varying(255) */
      outlook_id: string | null;
      /** character varying(36) */
      repeat_type: string | null;
      /** integer */
      repeat_interval: `${number}` | null;
      /** character varying(7) */
      repeat_dow: string | null;
      /** text */
      repeat_until: string | null;
      /** integer */
      repeat_count: `${number}` | null;
      /** character varying(36) */
      repeat_parent_id: string | null;
      /** character varying(36) */
      recurring_source: string | null;
    };
    key: ['id'];
    unique: never;
  };
  'public.calls_contacts': {
    row: {
      /** character varying(36) */
      id: string;
      /** character varying(36) */
      call_id: string | null;
      /** character varying(36) */
      contact_id: string | null;
      /** character varying(1) */
      required: string | null;
      /** character varying(25) */
      accept_status: string | null;
      /** text */
      date_modified: string | null;
      /** smallint */
      deleted: `${number}` | null;
    };
    key: ['id'];
    unique: never;
  };
  'public.calls_leads': {
    row: {
      /** character varying(36) */
      id: string;
      /** character varying(36) */
      call_id: string | null;
      /** character varying(36) */
      lead_id: string | null;
      /** character varying(1) */
      required: string | null;
      /** character varying(25) */
      accept_status: string | null;
      /** text */
      date_modified: string | null;
      /** smallint */
      deleted: `${number}` | null;
    };
    key: ['id'];
    unique: never;
  };
  'public.calls_users': {
    row: {
      /** character varying(36) */
      id: string;
      /** character varying(36) */
      call_id: string | null;
      /** character varying(36) */
      user_id: string | null;
      /** character varying(1) */
      required: string | null;
      /** character varying(25) */
      accept_status: string | null;
      /** text */
      date_modified: string | null;
      /** smallint */
      deleted: `${number}` | null;
    };
    key: ['id'];
    unique: never;
  };
  'public.contacts': {
    row: {
      /** character varying(36) */
      id: string;
      /** text */
      date_entered: string | null;
      /** text */
      date_modified: string | null;
      /** character varying(36) */
      modified_user_id: string | null;
      /** character varying(36) */
      created_by: string | null;
      /** text */
      description: string | null;
      /** smallint */
      deleted: `${number}` | null;
      /** character varying(36) */
      assigned_user_id: string | null;
      /** character varying(255) */
      salutation: string | null;
      /** character varying(100) */
      first_name: string | null;
      /** character varying(100) */
      last_name: string | null;
      /** character varying(100) */
      title: string | null;
      /** character varying(255) */
      photo: string | null;
      /** character varying(255) */
      department: string | null;
      /** smallint */
      do_not_call: `${number}` | null;
      /** character varying(100) */
      phone_home: string | null;
      /** character varying(100) */
      phone_mobile: string | null;
      /** character varying(100) */
      phone_work: string | null;
      /** character varying(100) */
      phone_other: string | null;
      /** character varying(100) */
      phone_fax: string | null;
      /** text */
      lawful_basis: string | null;
      /** text */
      date_reviewed: string | null;
      /** character varying(100) */
      lawful_basis_source: string | null;
      /** character varying(150) */
      primary_address_street: string | null;
      /** character varying(100) */
      primary_address_city: string | null;
      /** character varying(100) */
      primary_address_state: string | null;
      /** character varying(20) */
      primary_address_postalcode: string | null;
      /** character varying(255) */
      primary_address_country: string | null;
      /** character varying(150) */
      alt_address_street: string | null;
      /** character varying(100) */
      alt_address_city: string | null;
      /** character varying(100) */
      alt_address_state: string | null;
      /** character varying(20) */
      alt_address_postalcode: string | null;
      /** character varying(255) */
      alt_address_country: string | null;
      /** character varying(75) */
      assistant: string | null;
      /** character varying(100) */
      assistant_phone: string | null;
      /** character varying(255) */
      lead_source: string | null;
      /** character varying(36) */
      reports_to_id: string | null;
      /** text */
      birthdate: string | null;
      /** character varying(36) */
      campaign_id: string | null;
      /** character varying(255) */
      joomla_account_id: string | null;
      /** smallint */
      portal_account_disabled: `${number}` | null;
      /** character varying(100) */
      portal_user_type: string | null;
    };
    key: ['id'];
    unique: never;
  };
  'public.currencies': {
    row: {
      /** character varying(36) */
      id: string;
      /** character varying(36) */
      name: string | null;
      /** character varying(36) */
      symbol: string | null;
      /** character varying(3) */
      iso4217: string | null;
      /** double precision */
      conversion_rate: `${number}` | null;
      /** character varying(100) */
      status: string | null;
      /** smallint */
      deleted: `${number}` | null;
      /** text */
      date_entered: string | null;
      /** text */
      date_modified: string | null;
      /** character varying(36) */
      created_by: string;
    };
    key: ['id'];
    unique: never;
  };
  'public.email_addr_bean_rel': {
    row: {
      /** character varying(36) */
      id: string;
      /** character varying(36) */
      email_address_id: string;
      /** character varying(36) */
      bean_id: string;
      /** character varying(100) */
      bean_module: string | null;
      /** smallint */
      primary_address: `${number}` | null;
      /** smallint */
      reply_to_address: `${number}` | null;
      /** text */
      date_created: string | null;
      /** text */
      date_modified: string | null;
      /** smallint */
      deleted: `${number}` | null;
    };
    key: ['id'];
    unique: never;
  };
  'public.email_addresses': {
    row: {
      /** character varying(36) */
      id: string;
      /** character varying(255) */
      email_address: string | null;
      /** character varying(255) */
      email_address_caps: string | null;
      /** smallint */
      invalid_email: `${number}` | null;
      /** smallint */
      opt_out: `${number}` | null;
      /** character varying(255) */
      confirm_opt_in: string | null;
      /** text */
      confirm_opt_in_date: string | null;
      /** text */
      confirm_opt_in_sent_date: string | null;
      /** text */
      confirm_opt_in_fail_date: string | null;
      /** character varying(255) */
      confirm_opt_in_token: string | null;
      /** text */
      date_created: string | null;
      /** text */
      date_modified: string | null;
      /** smallint */
      deleted: `${number}` | null;
    };
    key: ['id'];
    unique: never;
  };
  'public.leads': {
    row: {
      /** character varying(36) */
      id: string;
      /** text */
      date_entered: string | null;
      /** text */
      date_modified: string | null;
      /** character varying(36) */
      modified_user_id: string | null;
      /** character varying(36) */
      created_by: string | null;
      /** text */
      description: string | null;
      /** smallint */
      deleted: `${number}` | null;
      /** character varying(36) */
      assigned_user_id: string | null;
      /** character varying(255) */
      salutation: string | null;
      /** character varying(100) */
      first_name: string | null;
      /** character varying(100) */
      last_name: string | null;
      /** character varying(100) */
      title: string | null;
      /** character varying(255) */
      photo: string | null;
      /** character varying(100) */
      department: string | null;
      /** smallint */
      do_not_call: `${number}` | null;
      /** character varying(100) */
      phone_home: string | null;
      /** character varying(100) */
      phone_mobile: string | null;
      /** character varying(100) */
      phone_work: string | null;
      /** character varying(100) */
      phone_other: string | null;
      /** character varying(100) */
      phone_fax: string | null;
      /** text */
      lawful_basis: string | null;
      /** text */
      date_reviewed: string | null;
      /** character varying(100) */
      lawful_basis_source: string | null;
      /** character varying(150) */
      primary_address_street: string | null;
      /** character varying(100) */
      primary_address_city: string | null;
      /** character varying(100) */
      primary_address_state: string | null;
      /** character varying(20) */
      primary_address_postalcode: string | null;
      /** character varying(255) */
      primary_address_country: string | null;
      /** character varying(150) */
      alt_address_street: string | null;
      /** character varying(100) */
      alt_address_city: string | null;
      /** character varying(100) */
      alt_address_state: string | null;
      /** character varying(20) */
      alt_address_postalcode: string | null;
      /** character varying(255) */
      alt_address_country: string | null;
      /** character varying(75) */
      assistant: string | null;
      /** character varying(100) */
      assistant_phone: string | null;
      /** smallint */
      converted: `${number}` | null;
      /** character varying(100) */
      refered_by: string | null;
      /** character varying(100) */
      lead_source: string | null;
      /** text */
      lead_source_description: string | null;
      /** character varying(100) */
      status: string | null;
      /** text */
      status_description: string | null;
      /** character varying(36) */
      reports_to_id: string | null;
      /** character varying(255) */
      account_name: string | null;
      /** text */
      account_description: string | null;
      /** character varying(36) */
      contact_id: string | null;
      /** character varying(36) */
      account_id: string | null;
      /** character varying(36) */
      opportunity_id: string | null;
      /** character varying(255) */
      opportunity_name: string | null;
      /** character varying(50) */
      opportunity_amount: string | null;
      /** character varying(36) */
      campaign_id: string | null;
      /** text */
      birthdate: string | null;
      /** character varying(255) */
      portal_name: string | null;
      /** character varying(255) */
      portal_app: string | null;
      /** character varying(255) */
      website: string | null;
    };
    key: ['id'];
    unique: never;
  };
  'public.meetings': {
    row: {
      /** character varying(36) */
      id: string;
      /** character varying(50) */
      name: string | null;
      /** text */
      date_entered: string | null;
      /** text */
      date_modified: string | null;
      /** character varying(36) */
      modified_user_id: string | null;
      /** character varying(36) */
      created_by: string | null;
      /** text */
      description: string | null;
      /** smallint */
      deleted: `${number}` | null;
      /** character varying(36) */
      assigned_user_id: string | null;
      /** character varying(50) */
      location: string | null;
      /** character varying(50) */
      password: string | null;
      /** character varying(200) */
      join_url: string | null;
      /** character varying(400) */
      host_url: string | null;
      /** character varying(400) */
      displayed_url: string | null;
      /** character varying(50) */
      creator: string | null;
      /** character varying(50) */
      external_id: string | null;
      /** integer */
      duration_hours: `${number}` | null;
      /** integer */
      duration_minutes: `${number}` | null;
      /** text */
      date_start: string | null;
      /** text */
      date_end: string | null;
      /** character varying(100) */
      parent_type: string | null;
      /** character varying(100) */
      status: string | null;
      /** character varying(255) */
      type: string | null;
      /** character varying(36) */
      parent_id: string | null;
      /** integer */
      reminder_time: `${number}` | null;
      /** integer */
      email_reminder_time: `${number}` | null;
      /** smallint */
      email_reminder_sent: `${number}` | null;
      /** character varying(255) */
      outlook_id: string | null;
      /** integer */
      sequence: `${number}` | null;
      /** character varying(36) */
      repeat_type: string | null;
      /** integer */
      repeat_interval: `${number}` | null;
      /** character varying(7) */
      repeat_dow: string | null;
      /** text */
      repeat_until: string | null;
      /** integer */
      repeat_count: `${number}` | null;
      /** character varying(36) */
      repeat_parent_id: string | null;
      /** character varying(36) */
      recurring_source: string | null;
      /** character varying(1024) */
      gsync_id: string | null;
      /** integer */
      gsync_lastsync: `${number}` | null;
    };
    key: ['id'];
    unique: never;
  };
  'public.meetings_contacts': {
    row: {
      /** character varying(36) */
      id: string;
      /** character varying(36) */
      meeting_id: string | null;
      /** character varying(36) */
      contact_id: string | null;
      /** character varying(1) */
      required: string | null;
      /** character varying(25) */
      accept_status: string | null;
      /** text */
      date_modified: string | null;
      /** smallint */
      deleted: `${number}` | null;
    };
    key: ['id'];
    unique: never;
  };
  'public.meetings_leads': {
    row: {
      /** character varying(36) */
      id: string;
      /** character varying(36) */
      meeting_id: string | null;
      /** character varying(36) */
      lead_id: string | null;
      /** character varying(1) */
      required: string | null;
      /** character varying(25) */
      accept_status: string | null;
      /** text */
      date_modified: string | null;
      /** smallint */
      deleted: `${number}` | null;
    };
    key: ['id'];
    unique: never;
  };
  'public.meetings_users': {
    row: {
      /** character varying(36) */
      id: string;
      /** character varying(36) */
      meeting_id: string | null;
      /** character varying(36) */
      user_id: string | null;
      /** character varying(1) */
      required: string | null;
      /** character varying(25) */
      accept_status: string | null;
      /** text */
      date_modified: string | null;
      /** smallint */
      deleted: `${number}` | null;
    };
    key: ['id'];
    unique: never;
  };
  'public.notes': {
    row: {
      /** character varying(36) */
      assigned_user_id: string | null;
      /** character varying(36) */
      id: string;
      /** text */
      date_entered: string | null;
      /** text */
      date_modified: string | null;
      /** character varying(36) */
      modified_user_id: string | null;
      /** character varying(36) */
      created_by: string | null;
      /** character varying(255) */
      name: string | null;
      /** character varying(100) */
      file_mime_type: string | null;
      /** character varying(255) */
      filename: string | null;
      /** character varying(255) */
      parent_type: string | null;
      /** character varying(36) */
      parent_id: string | null;
      /** character varying(36) */
      contact_id: string | null;
      /** smallint */
      portal_flag: `${number}` | null;
      /** smallint */
      embed_flag: `${number}` | null;
      /** text */
      description: string | null;
      /** smallint */
      deleted: `${number}` | null;
    };
    key: ['id'];
    unique: never;
  };
  'public.opportunities': {
    row: {
      /** character varying(36) */
      id: string;
      /** character varying(50) */
      name: string | null;
      /** text */
      date_entered: string | null;
      /** text */
      date_modified: string | null;
      /** character varying(36) */
      modified_user_id: string | null;
      /** character varying(36) */
      created_by: string | null;
      /** text */
      description: string | null;
      /** smallint */
      deleted: `${number}` | null;
      /** character varying(36) */
      assigned_user_id: string | null;
      /** character varying(255) */
      opportunity_type: string | null;
      /** character varying(36) */
      campaign_id: string | null;
      /** character varying(50) */
      lead_source: string | null;
      /** double precision */
      amount: `${number}` | null;
      /** double precision */
      amount_usdollar: `${number}` | null;
      /** character varying(36) */
      currency_id: string | null;
      /** text */
      date_closed: string | null;
      /** character varying(100) */
      next_step: string | null;
      /** character varying(255) */
      sales_stage: string | null;
      /** double precision */
      probability: `${number}` | null;
    };
    key: ['id'];
    unique: never;
  };
  'public.opportunities_contacts': {
    row: {
      /** character varying(36) */
      id: string;
      /** character varying(36) */
      contact_id: string | null;
      /** character varying(36) */
      opportunity_id: string | null;
      /** character varying(50) */
      contact_role: string | null;
      /** text */
      date_modified: string | null;
      /** smallint */
      deleted: `${number}` | null;
    };
    key: ['id'];
    unique: never;
  };
  'public.tasks': {
    row: {
      /** character varying(36) */
      id: string;
      /** character varying(50) */
      name: string | null;
      /** text */
      date_entered: string | null;
      /** text */
      date_modified: string | null;
      /** character varying(36) */
      modified_user_id: string | null;
      /** character varying(36) */
      created_by: string | null;
      /** text */
      description: string | null;
      /** smallint */
      deleted: `${number}` | null;
      /** character varying(36) */
      assigned_user_id: string | null;
      /** character varying(100) */
      status: string | null;
      /** smallint */
      date_due_flag: `${number}` | null;
      /** text */
      date_due: string | null;
      /** smallint */
      date_start_flag: `${number}` | null;
      /** text */
      date_start: string | null;
      /** character varying(255) */
      parent_type: string | null;
      /** character varying(36) */
      parent_id: string | null;
      /** character varying(36) */
      contact_id: string | null;
      /** character varying(100) */
      priority: string | null;
    };
    key: ['id'];
    unique: never;
  };
  'public.users': {
    row: {
      /** character varying(36) */
      id: string;
      /** character varying(60) */
      user_name: string | null;
      /** character varying(255) */
      user_hash: string | null;
      /** smallint */
      system_generated_password: `${number}` | null;
      /** text */
      pwd_last_changed: string | null;
      /** character varying(100) */
      authenticate_id: string | null;
      /** smallint */
      sugar_login: `${number}` | null;
      /** character varying(255) */
      first_name: string | null;
      /** character varying(255) */
      last_name: string | null;
      /** smallint */
      is_admin: `${number}` | null;
      /** smallint */
      external_auth_only: `${number}` | null;
      /** smallint */
      receive_notifications: `${number}` | null;
      /** text */
      description: string | null;
      /** text */
      date_entered: string | null;
      /** text */
      date_modified: string | null;
      /** character varying(36) */
      modified_user_id: string | null;
      /** character varying(36) */
      created_by: string | null;
      /** character varying(50) */
      title: string | null;
      /** character varying(255) */
      photo: string | null;
      /** character varying(50) */
      department: string | null;
      /** character varying(50) */
      phone_home: string | null;
      /** character varying(50) */
      phone_mobile: string | null;
      /** character varying(50) */
      phone_work: string | null;
      /** character varying(50) */
      phone_other: string | null;
      /** character varying(50) */
      phone_fax: string | null;
      /** character varying(100) */
      status: string | null;
      /** character varying(150) */
      address_street: string | null;
      /** character varying(100) */
      address_city: string | null;
      /** character varying(100) */
      address_state: string | null;
      /** character varying(100) */
      address_country: string | null;
      /** character varying(20) */
      address_postalcode: string | null;
      /** smallint */
      deleted: `${number}` | null;
      /** smallint */
      portal_only: `${number}` | null;
      /** smallint */
      show_on_employees: `${number}` | null;
      /** character varying(100) */
      employee_status: string | null;
      /** character varying(100) */
      messenger_id: string | null;
      /** character varying(100) */
      messenger_type: string | null;
      /** character varying(36) */
      reports_to_id: string | null;
      /** smallint */
      is_group: `${number}` | null;
      /** smallint */
      factor_auth: `${number}` | null;
      /** character varying(255) */
      factor_auth_interface: string | null;
    };
    key: ['id'];
    unique: never;
  };
};

/** Tables of the new database: what their columns take. A column with a question mark may be left out. */
export type Target = {
  /** Referred to by workspace_new.calendarEventParticipant (calendarEventId). */
  'workspace_new.calendarEvent': {
    row: {
      /** text */
      title?: string;
      /** boolean */
      isCanceled?: 't' | 'f';
      /** boolean */
      isFullDay?: 't' | 'f';
      /** timestamp with time zone */
      startsAt?: Text<'timestamp with time zone'> | null;
      /** timestamp with time zone */
      endsAt?: Text<'timestamp with time zone'> | null;
      /** timestamp with time zone */
      externalCreatedAt?: Text<'timestamp with time zone'> | null;
      /** timestamp with time zone */
      externalUpdatedAt?: Text<'timestamp with time zone'> | null;
      /** text */
      description?: string;
      /** text */
      location?: string;
      /** text */
      iCalUID?: string;
      /** text */
      conferenceSolution?: string;
      /** text */
      conferenceLinkPrimaryLinkLabel?: string | null;
      /** text */
      conferenceLinkPrimaryLinkUrl?: string | null;
      /** jsonb */
      conferenceLinkSecondaryLinks?: Text<'jsonb'> | Text<'json'> | null;
      /** uuid */
      id?: Text<'uuid'>;
      /** timestamp with time zone */
      createdAt?: Text<'timestamp with time zone'>;
      /** timestamp with time zone */
      updatedAt?: Text<'timestamp with time zone'>;
      /** timestamp with time zone */
      deletedAt?: Text<'timestamp with time zone'> | null;
    };
    key: ['id'];
    unique: never;
  };
  'workspace_new.calendarEventParticipant': {
    row: {
      /** text */
      handle?: string;
      /** text */
      displayName?: string;
      /** boolean */
      isOrganizer?: 't' | 'f';
      /** workspace_new."calendarEventParticipant_responseStatus_enum" */
      responseStatus?: 'NEEDS_ACTION' | 'DECLINED' | 'TENTATIVE' | 'ACCEPTED';
      /** uuid */
      id?: Text<'uuid'>;
      /** timestamp with time zone */
      createdAt?: Text<'timestamp with time zone'>;
      /** timestamp with time zone */
      updatedAt?: Text<'timestamp with time zone'>;
      /** timestamp with time zone */
      deletedAt?: Text<'timestamp with time zone'> | null;
      /** uuid */
      calendarEventId?: Text<'uuid'> | null;
      /** uuid */
      personId?: Text<'uuid'> | null;
      /** uuid */
      workspaceMemberId?: Text<'uuid'> | null;
    };
    key: ['id'];
    unique: never;
    references: {
      'workspace_new.calendarEvent': ['calendarEventId'];
      'workspace_new.person': ['personId'];
      'workspace_new.workspaceMember': ['workspaceMemberId'];
    };
  };
  /** Referred to by workspace_new.noteTarget (companyId), workspace_new.opportunity (companyId), workspace_new.person (companyId), workspace_new.taskTarget (companyId). */
  'workspace_new.company': {
    row: {
      /** text */
      name?: string;
      /** text */
      domainNamePrimaryLinkLabel?: string | null;
      /** text */
      domainNamePrimaryLinkUrl?: string | null;
      /** jsonb */
      domainNameSecondaryLinks?: Text<'jsonb'> | Text<'json'> | null;
      /** double precision */
      employees?: `${number}` | null;
      /** text */
      linkedinLinkPrimaryLinkLabel?: string | null;
      /** text */
      linkedinLinkPrimaryLinkUrl?: string | null;
      /** jsonb */
      linkedinLinkSecondaryLinks?: Text<'jsonb'> | Text<'json'> | null;
      /** text */
      xLinkPrimaryLinkLabel?: string | null;
      /** text */
      xLinkPrimaryLinkUrl?: string | null;
      /** jsonb */
      xLinkSecondaryLinks?: Text<'jsonb'> | Text<'json'> | null;
      /** numeric */
      annualRecurringRevenueAmountMicros?: `${number}` | null;
      /** text */
      annualRecurringRevenueCurrencyCode?: string | null;
      /** text */
      addressAddressStreet1?: string | null;
      /** text */
      addressAddressStreet2?: string | null;
      /** text */
      addressAddressCity?: string | null;
      /** text */
      addressAddressPostcode?: string | null;
      /** text */
      addressAddressState?: string | null;
      /** text */
      addressAddressCountry?: string | null;
      /** numeric */
      addressAddressLat?: `${number}` | null;
      /** numeric */
      addressAddressLng?: `${number}` | null;
      /** boolean */
      idealCustomerProfile?: 't' | 'f';
      /** double precision */
      position?: `${number}`;
      /** workspace_new."company_createdBySource_enum" */
      createdBySource?: 'EMAIL' | 'CALENDAR' | 'WORKFLOW' | 'AGENT' | 'API' | 'IMPORT' | 'MANUAL' | 'SYSTEM' | 'WEBHOOK';
      /** uuid */
      createdByWorkspaceMemberId?: Text<'uuid'> | null;
      /** text */
      createdByName?: string;
      /** jsonb */
      createdByContext?: Text<'jsonb'> | Text<'json'> | null;
      /** tsvector, generated */
      searchVector?: never;
      /** uuid */
      id?: Text<'uuid'>;
      /** timestamp with time zone */
      createdAt?: Text<'timestamp with time zone'>;
      /** timestamp with time zone */
      updatedAt?: Text<'timestamp with time zone'>;
      /** timestamp with time zone */
      deletedAt?: Text<'timestamp with time zone'> | null;
      /** uuid */
      accountOwnerId?: Text<'uuid'> | null;
      /** text */
      tagline?: string;
      /** text */
      introVideoPrimaryLinkLabel?: string | null;
      /** text */
      introVideoPrimaryLinkUrl?: string | null;
      /** jsonb */
      introVideoSecondaryLinks?: Text<'jsonb'> | Text<'json'> | null;
      /** workspace_new."company_workPolicy_enum"[] */
      workPolicy?: Text<'workspace_new."company_workPolicy_enum"[]'> | null;
      /** boolean */
      visaSponsorship?: 't' | 'f' | null;
    };
    key: ['id'];
    /** Over domainNamePrimaryLinkUrl; only rows that meet a condition. */
    unique: ['domainNamePrimaryLinkUrl'];
    references: {
      'workspace_new.workspaceMember': ['accountOwnerId'];
    };
  };
  /** Referred to by workspace_new.noteTarget (noteId). */
  'workspace_new.note': {
    row: {
      /** double precision */
      position?: `${number}`;
      /** text */
      title?: string;
      /** text */
      bodyV2Blocknote?: string | null;
      /** text */
      bodyV2Markdown?: string | null;
      /** workspace_new."note_createdBySource_enum" */
      createdBySource?: 'EMAIL' | 'CALENDAR' | 'WORKFLOW' | 'AGENT' | 'API' | 'IMPORT' | 'MANUAL' | 'SYSTEM' | 'WEBHOOK';
      /** uuid */
      createdByWorkspaceMemberId?: Text<'uuid'> | null;
      /** text */
      createdByName?: string;
      /** jsonb */
      createdByContext?: Text<'jsonb'> | Text<'json'> | null;
      /** tsvector, generated */
      searchVector?: never;
      /** uuid */
      id?: Text<'uuid'>;
      /** timestamp with time zone */
      createdAt?: Text<'timestamp with time zone'>;
      /** timestamp with time zone */
      updatedAt?: Text<'timestamp with time zone'>;
      /** timestamp with time zone */
      deletedAt?: Text<'timestamp with time zone'> | null;
    };
    key: ['id'];
    unique: never;
  };
  'workspace_new.noteTarget': {
    row: {
      /** uuid */
      id?: Text<'uuid'>;
      /** timestamp with time zone */
      createdAt?: Text<'timestamp with time zone'>;
      /** timestamp with time zone */
      updatedAt?: Text<'timestamp with time zone'>;
      /** timestamp with time zone */
      deletedAt?: Text<'timestamp with time zone'> | null;
      /** uuid */
      companyId?: Text<'uuid'> | null;
      /** uuid */
      noteId?: Text<'uuid'> | null;
      /** uuid */
      opportunityId?: Text<'uuid'> | null;
      /** uuid */
      personId?: Text<'uuid'> | null;
      /** uuid */
      surveyResultId?: Text<'uuid'> | null;
    };
    key: ['id'];
    unique: never;
    references: {
      'workspace_new._surveyResult': ['surveyResultId'];
      'workspace_new.note': ['noteId'];
      'workspace_new.opportunity': ['opportunityId'];
      'workspace_new.person': ['personId'];
      'workspace_new.company': ['companyId'];
    };
  };
  /** Referred to by workspace_new.noteTarget (opportunityId), workspace_new.taskTarget (opportunityId). */
  'workspace_new.opportunity': {
    row: {
      /** text */
      name?: string;
      /** numeric */
      amountAmountMicros?: `${number}` | null;
      /** text */
      amountCurrencyCode?: string | null;
      /** timestamp with time zone */
      closeDate?: Text<'timestamp with time zone'> | null;
      /** workspace_new.opportunity_stage_enum */
      stage?: 'NEW' | 'SCREENING' | 'MEETING' | 'PROPOSAL' | 'CUSTOMER';
      /** double precision */
      position?: `${number}`;
      /** workspace_new."opportunity_createdBySource_enum" */
      createdBySource?: 'EMAIL' | 'CALENDAR' | 'WORKFLOW' | 'AGENT' | 'API' | 'IMPORT' | 'MANUAL' | 'SYSTEM' | 'WEBHOOK';
      /** uuid */
      createdByWorkspaceMemberId?: Text<'uuid'> | null;
      /** text */
      createdByName?: string;
      /** jsonb */
      createdByContext?: Text<'jsonb'> | Text<'json'> | null;
      /** tsvector, generated */
      searchVector?: never;
      /** uuid */
      id?: Text<'uuid'>;
      /** timestamp with time zone */
      createdAt?: Text<'timestamp with time zone'>;
      /** timestamp with time zone */
      updatedAt?: Text<'timestamp with time zone'>;
      /** timestamp with time zone */
      deletedAt?: Text<'timestamp with time zone'> | null;
      /** uuid */
      companyId?: Text<'uuid'> | null;
      /** uuid */
      pointOfContactId?: Text<'uuid'> | null;
    };
    key: ['id'];
    unique: never;
    references: {
      'workspace_new.company': ['companyId'];
      'workspace_new.person': ['pointOfContactId'];
    };
  };
  /** Referred to by workspace_new.calendarEventParticipant (personId), workspace_new.noteTarget (personId), workspace_new.opportunity (pointOfContactId), workspace_new.taskTarget (personId). */
  'workspace_new.person': {
    row: {
      /** text */
      nameFirstName?: string | null;
      /** text */
      nameLastName?: string | null;
      /** text */
      emailsPrimaryEmail?: string | null;
      /** jsonb */
      emailsAdditionalEmails?: Text<'jsonb'> | Text<'json'> | null;
      /** text */
      linkedinLinkPrimaryLinkLabel?: string | null;
      /** text */
      linkedinLinkPrimaryLinkUrl?: string | null;
      /** jsonb */
      linkedinLinkSecondaryLinks?: Text<'jsonb'> | Text<'json'> | null;
      /** text */
      xLinkPrimaryLinkLabel?: string | null;
      /** text */
      xLinkPrimaryLinkUrl?: string | null;
      /** jsonb */
      xLinkSecondaryLinks?: Text<'jsonb'> | Text<'json'> | null;
      /** text */
      jobTitle?: string;
      /** text */
      phonesPrimaryPhoneNumber?: string | null;
      /** text */
      phonesPrimaryPhoneCountryCode?: string | null;
      /** text */
      phonesPrimaryPhoneCallingCode?: string | null;
      /** jsonb */
      phonesAdditionalPhones?: Text<'jsonb'> | Text<'json'> | null;
      /** text */
      city?: string;
      /** text */
      avatarUrl?: string;
      /** double precision */
      position?: `${number}`;
      /** workspace_new."person_createdBySource_enum" */
      createdBySource?: 'EMAIL' | 'CALENDAR' | 'WORKFLOW' | 'AGENT' | 'API' | 'IMPORT' | 'MANUAL' | 'SYSTEM' | 'WEBHOOK';
      /** uuid */
      createdByWorkspaceMemberId?: Text<'uuid'> | null;
      /** text */
      createdByName?: string;
      /** jsonb */
      createdByContext?: Text<'jsonb'> | Text<'json'> | null;
      /** tsvector, generated */
      searchVector?: never;
      /** uuid */
      id?: Text<'uuid'>;
      /** timestamp with time zone */
      createdAt?: Text<'timestamp with time zone'>;
      /** timestamp with time zone */
      updatedAt?: Text<'timestamp with time zone'>;
      /** timestamp with time zone */
      deletedAt?: Text<'timestamp with time zone'> | null;
      /** uuid */
      companyId?: Text<'uuid'> | null;
      /** text */
      intro?: string;
      /** text */
      whatsappPrimaryPhoneNumber?: string | null;
      /** text */
      whatsappPrimaryPhoneCountryCode?: string | null;
      /** text */
      whatsappPrimaryPhoneCallingCode?: string | null;
      /** jsonb */
      whatsappAdditionalPhones?: Text<'jsonb'> | Text<'json'> | null;
      /** workspace_new."person_workPreference_enum"[] */
      workPreference?: Text<'workspace_new."person_workPreference_enum"[]'> | null;
      /** workspace_new."person_performanceRating_enum" */
      performanceRating?: 'RATING_1' | 'RATING_2' | 'RATING_3' | 'RATING_4' | 'RATING_5' | null;
    };
    key: ['id'];
    /** Over emailsPrimaryEmail; only rows that meet a condition. */
    unique: ['emailsPrimaryEmail'];
    references: {
      'workspace_new.company': ['companyId'];
    };
  };
  /** Referred to by workspace_new.taskTarget (taskId). */
  'workspace_new.task': {
    row: {
      /** double precision */
      position?: `${number}`;
      /** text */
      title?: string;
      /** text */
      bodyV2Blocknote?: string | null;
      /** text */
      bodyV2Markdown?: string | null;
      /** timestamp with time zone */
      dueAt?: Text<'timestamp with time zone'> | null;
      /** workspace_new.task_status_enum */
      status?: 'TODO' | 'IN_PROGRESS' | 'DONE' | null;
      /** workspace_new."task_createdBySource_enum" */
      createdBySource?: 'EMAIL' | 'CALENDAR' | 'WORKFLOW' | 'AGENT' | 'API' | 'IMPORT' | 'MANUAL' | 'SYSTEM' | 'WEBHOOK';
      /** uuid */
      createdByWorkspaceMemberId?: Text<'uuid'> | null;
      /** text */
      createdByName?: string;
      /** jsonb */
      createdByContext?: Text<'jsonb'> | Text<'json'> | null;
      /** tsvector, generated */
      searchVector?: never;
      /** uuid */
      id?: Text<'uuid'>;
      /** timestamp with time zone */
      createdAt?: Text<'timestamp with time zone'>;
      /** timestamp with time zone */
      updatedAt?: Text<'timestamp with time zone'>;
      /** timestamp with time zone */
      deletedAt?: Text<'timestamp with time zone'> | null;
      /** uuid */
      assigneeId?: Text<'uuid'> | null;
    };
    key: ['id'];
    unique: never;
    references: {
      'workspace_new.workspaceMember': ['assigneeId'];
    };
  };
  'workspace_new.taskTarget': {
    row: {
      /** uuid */
      id?: Text<'uuid'>;
      /** timestamp with time zone */
      createdAt?: Text<'timestamp with time zone'>;
      /** timestamp with time zone */
      updatedAt?: Text<'timestamp with time zone'>;
      /** timestamp with time zone */
      deletedAt?: Text<'timestamp with time zone'> | null;
      /** uuid */
      companyId?: Text<'uuid'> | null;
      /** uuid */
      opportunityId?: Text<'uuid'> | null;
      /** uuid */
      personId?: Text<'uuid'> | null;
      /** uuid */
      taskId?: Text<'uuid'> | null;
      /** uuid */
      surveyResultId?: Text<'uuid'> | null;
    };
    key: ['id'];
    unique: never;
    references: {
      'workspace_new._surveyResult': ['surveyResultId'];
      'workspace_new.company': ['companyId'];
      'workspace_new.opportunity': ['opportunityId'];
      'workspace_new.task': ['taskId'];
      'workspace_new.person': ['personId'];
    };
  };
  /** Referred to by workspace_new.calendarEventParticipant (workspaceMemberId), workspace_new.company (accountOwnerId), workspace_new.task (assigneeId). */
  'workspace_new.workspaceMember': {
    row: {
      /** double precision */
      position?: `${number}`;
      /** text */
      nameFirstName?: string | null;
      /** text */
      nameLastName?: string | null;
      /** text */
      colorScheme?: string;
      /** text */
      locale?: string;
      /** text */
      avatarUrl?: string;
      /** text */
      userEmail?: string;
      /** double precision */
      calendarStartDay?: `${number}`;
      /** uuid */
      userId: Text<'uuid'>;
      /** text */
      timeZone?: string;
      /** workspace_new."workspaceMember_dateFormat_enum" */
      dateFormat?: 'SYSTEM' | 'MONTH_FIRST' | 'DAY_FIRST' | 'YEAR_FIRST';
      /** workspace_new."workspaceMember_timeFormat_enum" */
      timeFormat?: 'SYSTEM' | 'HOUR_24' | 'HOUR_12';
      /** tsvector, generated */
      searchVector?: never;
      /** workspace_new."workspaceMember_numberFormat_enum" */
      numberFormat?: 'SYSTEM' | 'COMMAS_AND_DOT' | 'SPACES_AND_COMMA' | 'DOTS_AND_COMMA' | 'APOSTROPHE_AND_DOT';
      /** uuid */
      id?: Text<'uuid'>;
      /** timestamp with time zone */
      createdAt?: Text<'timestamp with time zone'>;
      /** timestamp with time zone */
      updatedAt?: Text<'timestamp with time zone'>;
      /** timestamp with time zone */
      deletedAt?: Text<'timestamp with time zone'> | null;
    };
    key: ['id'];
    /** Over userEmail; only rows that meet a condition. */
    unique: ['userEmail'];
  };
};
